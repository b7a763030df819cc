import t from 'tap'
import { readConfig } from '../../../lib/config/read-config.js'
import { type IpFamily } from '../../../lib/model/address.js'
import { discardEvents } from '../../../lib/model/event-sink.js'
import { LocalAddresses } from '../../../lib/model/local-addresses.js'
import { type Log } from '../../../lib/model/log.js'
import { ipvsMode } from '../../../lib/modes/ipvs/mode.js'
import { MODES, chainOwners } from '../../../lib/modes/registry.js'
import { removeStaleChains } from '../../../lib/modes/remove-stale-chains.js'
import { usableEndpoints } from '../../../lib/snapshot/usable-endpoints.js'
import { type FlowEntry } from '../../../lib/system/conntrack.js'
import { ManualClock } from '../../support/clock/manual-clock.js'
import { CONNTRACK_FAILURES } from '../../support/kernel/conntrack-failures.js'
import { MEMORY_NODE_IP, MemoryKernel } from '../../support/kernel/memory-kernel.js'
import { RecordingLog } from '../../support/log/recording-log.js'
import { makeEndpoint } from '../../support/model/make-endpoint.js'
import { makeServicePort } from '../../support/model/make-service-port.js'

const { config } = readConfig({}, 'this-node', MODES)
const LOCAL_ADDRESSES = new LocalAddresses([MEMORY_NODE_IP])
const DNS = {
  IPv4: { clusterIP: '10.96.0.53', endpoint: '10.244.0.5', client: '10.244.0.9' },
  IPv6: { clusterIP: 'fd00:96::53', endpoint: 'fd00:244::5', client: 'fd00:244::9' },
} as const

/** A kernel in which ipvs mode has served DNS in one family, and another mode has taken over. */
async function leaveServers(family: IpFamily, log: Log): Promise<MemoryKernel> {
  const kernel = new MemoryKernel()
  const proxier = await ipvsMode.createProxier({
    config,
    kernel,
    node: {
      getAddress: each => (each === 'IPv4' ? MEMORY_NODE_IP : undefined),
      getAddresses: each => (each === 'IPv4' ? [MEMORY_NODE_IP] : []),
      getLocalAddresses: () => LOCAL_ADDRESSES,
      getPodAddresses: () => [],
      getLocalTraffic: () => ({ localMatches: [], nodePortAddresses: undefined }),
      servesNodePortsOnLoopback: () => false,
    },
    chainOwners: chainOwners('ipvs'),
    dataPlane: undefined,
    events: discardEvents,
    log,
    clock: new ManualClock(),
    random: () => 0,
  })
  const { clusterIP, endpoint } = DNS[family]
  const servicePort = makeServicePort({ name: 'dns', family, protocol: 'UDP', clusterIP, port: 53 })
  const endpoints = [makeEndpoint(endpoint)]
  const usable = usableEndpoints(servicePort, endpoints, { name: 'this-node', zone: '' })
  const snapshot = { generation: 1, ports: new Map([[servicePort.key, { servicePort, endpoints, usable }]]) }
  await proxier.start()
  await proxier.update(snapshot)
  for (const rules of proxier.rules) await rules.program(false)
  await proxier.update(snapshot)
  await proxier.stop?.()
  for (const tables of kernel.iptables) await removeStaleChains(tables, chainOwners('userspace'))
  return kernel
}

/** A client's flow through the virtual server of `leaveServers`. */
function flowTo(family: IpFamily): FlowEntry {
  const { clusterIP, endpoint, client } = DNS[family]
  return {
    family,
    protocol: 'UDP',
    source: { address: client, port: 5000 },
    destination: { address: clusterIP, port: 53 },
    replySource: { address: endpoint, port: 8080 },
  }
}

for (const family of ['IPv4', 'IPv6'] as const)
  for (const [failure, fail] of CONNTRACK_FAILURES)
    t.test(`an ${family} server stays until the flows to it are deleted (${failure})`, async t => {
      const log = new RecordingLog()
      const kernel = await leaveServers(family, log)
      const foreign = { ...flowTo(family), destination: { address: DNS[family].clusterIP, port: 54 } }
      const entries = [flowTo(family), foreign]
      kernel.conntrack.entries = entries
      const before = await kernel.ipvs.list()
      t.match(before, [{ protocol: 'UDP', address: DNS[family].clusterIP, port: 53 }])
      const drain = ipvsMode.drain!(config, kernel, log)
      const mend = fail(kernel.conntrack)
      for (let step = 0; step < 2; step++) {
        t.strictSame(await drain.step(), { draining: { virtualServers: 1 } })
        t.strictSame(await kernel.ipvs.list(), before)
        t.strictSame(kernel.conntrack.entries, entries)
      }
      const reports = log.entriesWith('Cannot delete stale flows').map(({ fields }) => fields['family'])
      t.equal(reports.includes(family), failure.endsWith('fails'))
      t.equal(new Set(reports).size, reports.length, 'a failure is reported once for each family')
      mend()
      t.equal(await drain.step(), 'all removed')
      t.strictSame(await kernel.ipvs.list(), [])
      t.notOk(kernel.hasIpvsInterface)
      t.strictSame(kernel.conntrack.entries, [foreign])
      t.equal(await drain.step(), 'nothing there')
    })
