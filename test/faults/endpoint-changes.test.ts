import { type Test } from 'tap'
import { ApiNode } from '../support/faults/api-node.js'
import { type FaultMeasurement, formatCount } from '../support/faults/fault-measurement.js'
import { faultsOf } from '../support/faults/faults-of.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { type ServiceNode } from '../support/nodes/service-node.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'

const testFault = faultsOf('Changes of endpoints')
const CHANGES = 8000
const PERIOD_MS = 1 * TIMEOUT_FACTOR
/** In iptables mode, rules are written at most once in this time (--iptables-min-sync-period), apart from the first two writes. */
const LEAST_WRITE_PERIOD_MS = 1000
const BURST = 2
/** The first changes are written while others come. */
const LEAST_WRITES = 2
const WRITTEN = /Synced rules" family="IPv4" changed=true/

/** What a change of endpoints does in a mode. */
interface Changes {
  readonly mode: string
  /** The endpoints of `web` after each change, in turn. */
  readonly endpoints: (node: ServiceNode) => Promise<readonly (readonly string[])[]>
  /** Checks the log lines of the changes, which took that long; returns what the table says of them. */
  readonly checkLog?: (lines: readonly string[], ms: number) => string
}

async function measure(t: Test, fault: FaultMeasurement, { mode, endpoints, checkLog }: Changes): Promise<void> {
  const cluster = await ApiNode.start(t, { mode })
  const { api, node, proxy } = cluster
  const slices = (await endpoints(node)).map(ips => node.slices(ips)[0])
  const traffic = await node.startTraffic()
  const from = proxy.lines.length
  fault.start()
  const startedAt = performance.now()
  const { churned } = JSON.parse(await api.sendCommand({ churn: { ms: PERIOD_MS, slices, count: CHANGES } })) as {
    churned: number
  }
  const perSecond = Math.round((1000 * churned) / (performance.now() - startedAt))
  t.equal(churned, CHANGES)
  await cluster.moveEndpoints()
  fault.end()
  // The watch keeps their order, so the proxy has had all of them then.
  await fault.measureRecovery('the last change takes effect', () => node.waitForPod('b'))
  const details = checkLog?.(proxy.lines.slice(from), performance.now() - startedAt) ?? ''
  fault.describe(`${formatCount(churned)} changes, ${formatCount(perSecond)} a second${details}`)
  await fault.checkTraffic(traffic)
  t.equal(await proxy.stop(), 0)
}

testFault(
  {
    fault:
      'The endpoints of a Service change 8,000 times, 1,000 times a second, and some of them refuse (userspace mode)',
    promise: 'Each new connection reaches a Pod that lives, and no open connection is cut.',
    skip: namespacesUnavailable,
  },
  (t, fault) =>
    measure(t, fault, {
      mode: 'userspace',
      endpoints: async ({ ips: [a, b], network }) => {
        const { ip: refusing } = await network.addPod()
        return [[a!], [a!, b!], [a!, b!, refusing], [refusing, b!]]
      },
    }),
)

testFault(
  {
    fault: 'The endpoints of a Service change 8,000 times, 1,000 times a second (iptables mode)',
    promise:
      'Each new connection reaches a Pod, and no open connection is cut. Rules are written once a second, with all changes until then.',
    skip: namespacesUnavailable,
  },
  (t, fault) =>
    measure(t, fault, {
      mode: 'iptables',
      endpoints: ({ ips: [a, b] }) => Promise.resolve([[a!], [a!, b!], [b!], [b!, a!]]),
      checkLog: (lines, ms) => {
        const writes = lines.filter(line => WRITTEN.test(line)).length
        const most = BURST + ms / LEAST_WRITE_PERIOD_MS
        t.ok(writes >= LEAST_WRITES && writes <= most, `${writes} writes, at most ${Math.floor(most)} may be`)
        return `, in ${writes} writes`
      },
    }),
)
