import { ProcessTree } from '../measure/process-tree.js'
import { SMALL, WEB } from '../site/bench-service.js'
import { type Load } from './load.js'

/**
 * Open before the first reading: what a program keeps in reserve, or has left over from its start, is used up by then, and
 * does not hide what a connection needs.
 */
const FIRST = 1000
const MORE = 2000

export const idleConnections: Load = {
  name: 'idle-connections',
  title: '1,000 idle connections',
  about:
    'What 1,000 open connections, each of which has had one answer, need of memory (PSS of all processes): the difference ' +
    'between 1,000 and 3,000 of them, halved. Started anew each time.',
  metrics: [
    { name: 'memory', title: 'memory of 1,000 connections', unit: 'MB', better: 'lower', digits: 1 },
    { name: 'before', title: 'the program without any', unit: 'MB', better: 'lower', digits: 1 },
    { name: 'whole', title: 'the program with 3,000', unit: 'MB', better: 'lower', digits: 1 },
  ],
  seconds: 1,
  contenders: ['ours', 'haproxy', 'nginx', 'original'],
  leftOut: 'Without a process there is no memory to read.',
  async run(stage) {
    const running = await stage.fresh(SMALL)
    const { ip, port } = running.addressOf(WEB)!
    const { client } = stage.site
    const tree = new ProcessTree(running.pids)
    const before = tree.pssBytes()
    await client.hold(ip, port, FIRST)
    const first = tree.pssBytes()
    await client.hold(ip, port, MORE)
    const whole = tree.pssBytes()
    await client.release()
    const memory = (whole - first) / (MORE / 1000)
    return { values: { memory: memory / 1e6, before: before / 1e6, whole: whole / 1e6 }, errors: [] }
  },
}
