import t from 'tap'
import { ProgramLog } from '../../lib/demo/program-log.js'
import { ApiNode } from '../support/faults/api-node.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'

/** The shortest that the flag allows: an idle watch is confirmed every 25 to 35 s. */
const STALE_TIMEOUT = '--healthz-stale-timeout=1m'
/** Longer than that, and than a request without a response with the pause after it. */
const LOG_TIMEOUT_MS = 120_000 * TIMEOUT_FACTOR
/** Prints the statuses, the problems that each answer names, and the gauge of the source. */
const ASK = `
  const get = path => fetch('http://127.0.0.1:' + path)
  Promise.all(['healthz', 'readyz', 'livez'].map(async path => {
    const response = await get('10256/' + path)
    return [path, response.status, (await response.json()).problems ?? []]
  })).then(async answers => {
    const metrics = await (await get('10249/metrics')).text()
    const gauge = /^kubeproxy_proxy_healthy\\{part="source"\\} (.)$/m.exec(metrics)?.[1]
    console.log(JSON.stringify({ answers, gauge }))
  })`

t.test(
  'an API server that is silent for longer than --healthz-stale-timeout fails /healthz and /readyz until it confirms again',
  { skip: namespacesUnavailable, timeout: 3 * LOG_TIMEOUT_MS },
  async t => {
    const sourceFlags = (url: string) => ['--master', url, STALE_TIMEOUT]
    const cluster = await ApiNode.start(t, { isBehindRelay: true, sourceFlags })
    const { node, api, proxy } = cluster
    const log = new ProgramLog(proxy.child, proxy.child.stderr!, LOG_TIMEOUT_MS)
    const state = async () => JSON.parse(await node.run(ASK)) as unknown
    const check = async (status: number, problems: readonly string[], gauge: string): Promise<void> => {
      t.strictSame(await state(), {
        answers: [
          ['healthz', status, problems],
          ['readyz', status, problems],
          ['livez', 200, problems],
        ],
        gauge,
      })
      t.equal(await node.client.tcp(node.web.clusterIP, node.web.port), 'a')
      t.match(await node.client.udp(node.dns.clusterIP, node.dns.port), { answer: 'a 5' })
    }
    await check(200, [], '1')
    await api.sendCommand({ relay: 'silent' })
    await log.waitFor(/"The proxy is not healthy; .*problem="the API server/)
    await check(503, ['the API server has not confirmed what the proxy knows for 60 s'], '0')
    await api.sendCommand({ relay: 'forwarding' })
    await log.waitFor(/"The proxy is healthy again"/)
    await check(200, [], '1')
    await cluster.moveEndpoints()
    await node.waitForPod('b')
    t.equal(await proxy.stop(), 0)
  },
)
