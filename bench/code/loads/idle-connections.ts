import { ProcessTree } from '../measure/process-tree.js'
import { SMALL_CLUSTER, HTTP_SERVICE } from '../testbed/bench-service.js'
import { type Load } from './load.js'

/**
 * Connections to open before the first reading: they use up the memory that a program has in reserve or left from its start,
 * so that it does not hide the memory of a connection.
 */
const BASELINE_CONNECTIONS = 1000
const ADDED_CONNECTIONS = 2000

export const idleConnections: Load = {
  name: 'idle-connections',
  title: '1,000 idle connections',
  description:
    'Memory (PSS of all processes) of 1,000 open connections, after one answer on each: the difference ' +
    'between 1,000 and 3,000 connections, halved. Each round starts the program again.',
  metrics: [
    { name: 'memory', title: 'memory of 1,000 connections', unit: 'MB', better: 'lower', digits: 1 },
    { name: 'before', title: 'the program without connections', unit: 'MB', better: 'lower', digits: 1 },
    { name: 'whole', title: 'the program with 3,000', unit: 'MB', better: 'lower', digits: 1 },
  ],
  seconds: 1,
  contenders: ['kube-proxy-node', 'haproxy', 'nginx', 'original'],
  exclusionNote: 'Contenders without a process are left out.',
  async takeSample(stage) {
    const running = await stage.restart(SMALL_CLUSTER)
    const { ip, port } = running.addressOf(HTTP_SERVICE)!
    const { client } = stage.site
    const tree = new ProcessTree(running.pids)
    const before = tree.pssBytes()
    await client.openIdleConnections(ip, port, BASELINE_CONNECTIONS)
    const first = tree.pssBytes()
    await client.openIdleConnections(ip, port, ADDED_CONNECTIONS)
    const whole = tree.pssBytes()
    await client.closeIdleConnections()
    const memory = (whole - first) / (ADDED_CONNECTIONS / 1000)
    return { values: { memory: memory / 1e6, before: before / 1e6, whole: whole / 1e6 }, errors: [] }
  },
}
