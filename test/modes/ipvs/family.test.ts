import t from 'tap'
import { LocalAddresses } from '../../../lib/model/local-addresses.js'
import { chainOwners } from '../../../lib/modes/registry.js'
import { discardEvents } from '../../../lib/model/event-sink.js'
import { IpvsProxier } from '../../../lib/modes/ipvs/proxier.js'
import { SetLineRefused } from '../../../lib/system/ip-sets.js'
import { usableEndpoints } from '../../../lib/snapshot/usable-endpoints.js'
import { RecordingLog } from '../../support/log/recording-log.js'
import { makeEndpoint } from '../../support/model/make-endpoint.js'
import { ManualClock } from '../../support/clock/manual-clock.js'
import { MemoryConntrack } from '../../support/kernel/memory-conntrack.js'
import { MemoryDummyInterface } from '../../support/kernel/memory-dummy-interface.js'
import { MemoryIpSets } from '../../support/kernel/memory-ip-sets.js'
import { MemoryIptables } from '../../support/kernel/memory-iptables.js'
import { MemoryIpvs } from '../../support/kernel/memory-ipvs.js'
import { makeServicePort } from '../../support/model/make-service-port.js'

const LOCAL_ADDRESSES = new LocalAddresses(['192.168.50.1'])
/** A chain that iptables mode and ipvs mode share, and one of iptables mode only. */
const IPTABLES_MODE_RULES = `*nat
:KUBE-SERVICES - [0:0]
:KUBE-SVC-NPX46M4PTMTKRN6Y - [0:0]
-A PREROUTING -j KUBE-SERVICES
-A KUBE-SERVICES -d 10.96.0.10/32 -j KUBE-SVC-NPX46M4PTMTKRN6Y
COMMIT
`

function makeProxier(kernel: { ipvs: MemoryIpvs; sets: MemoryIpSets; iptables: MemoryIptables; log?: RecordingLog }) {
  const { ipvs, sets, iptables, log = new RecordingLog() } = kernel
  return new IpvsProxier({
    ...{ ipvs, sets, dummy: new MemoryDummyInterface(), iptables: [iptables], conntrack: new MemoryConntrack() },
    chainOwners: chainOwners('ipvs'),
    settings: { scheduler: 'rr', masqueradeAll: false, masqueradeMark: 0x4000, randomFully: true },
    excludeCIDRs: [],
    localTraffic: () => ({ localMatches: [], nodePortAddresses: undefined }),
    nodeAddresses: () => ['192.168.50.1'],
    localAddresses: () => LOCAL_ADDRESSES,
    timeouts: { tcp: 0, tcpFin: 0, udp: 0 },
    applySettings: () => undefined,
    clock: new ManualClock(),
    events: discardEvents,
    log,
  })
}

/** Starts ipvs mode with one Service, and counts its virtual servers when the rules are written, and after that. */
async function countServersAtWrite(before: string): Promise<readonly [atWrite: number, afterwards: number]> {
  const ipvs = new MemoryIpvs()
  const count = async () => (await ipvs.list()).filter(({ realServers }) => realServers.length === 1).length
  let countAtWrite: number | undefined
  class Watched extends MemoryIptables {
    override async restore(text: string): Promise<void> {
      if (text.includes(':KUBE-SERVICES')) countAtWrite ??= await count()
      return super.restore(text)
    }
  }
  const iptables: MemoryIptables = new Watched('IPv4', name => sets.get(name) !== undefined)
  const sets = new MemoryIpSets(() => iptables.tables.referencedSets)
  iptables.tables.restore(before)
  const proxier = makeProxier({ ipvs, sets, iptables })
  const servicePort = makeServicePort({})
  const endpoints = [makeEndpoint('10.244.0.5')]
  const usable = usableEndpoints(servicePort, endpoints, { name: 'this-node', zone: '' })
  const ports = new Map([[servicePort.key, { servicePort, endpoints, usable }]])
  await proxier.start()
  await proxier.update({ generation: 1, ports })
  for (const rules of proxier.rules) await rules.program(false)
  return [countAtWrite!, await count()]
}

void t.test('IPVS serves what another mode served before the rules of that mode are replaced', async t => {
  t.strictSame(await countServersAtWrite(IPTABLES_MODE_RULES), [1, 1])
})

void t.test('If no other mode served, no packet reaches IPVS before there are rules', async t => {
  t.strictSame(await countServersAtWrite(''), [0, 1])
})

void t.test(
  'An entry of a set that the kernel refuses is reported once, tried again, and keeps no other one out',
  async t => {
    let isRefusing = true
    class Refusing extends MemoryIpSets {
      override async restore(text: string): Promise<void> {
        const line = text.split('\n').find(each => each === 'add KUBE-CLUSTER-IP 10.96.0.10,tcp:80')
        if (isRefusing && line !== undefined) throw new SetLineRefused(line, `refused: ${line}`)
        return super.restore(text)
      }
    }
    const ipvs = new MemoryIpvs()
    const iptables: MemoryIptables = new MemoryIptables('IPv4', name => sets.get(name) !== undefined)
    const sets = new Refusing(() => iptables.tables.referencedSets)
    const log = new RecordingLog()
    const proxier = makeProxier({ ipvs, sets, iptables, log })
    const endpoints = [makeEndpoint('10.244.0.5')]
    const ports = new Map(
      ['10.96.0.10', '10.96.0.11'].map((clusterIP, index) => {
        const servicePort = makeServicePort({ clusterIP, name: `web-${index}` })
        const usable = usableEndpoints(servicePort, endpoints, { name: 'this-node', zone: '' })
        return [servicePort.key, { servicePort, endpoints, usable }] as const
      }),
    )
    await proxier.start()
    const [rules] = proxier.rules
    const entries = () => [...sets.get('KUBE-CLUSTER-IP')!.entries]
    await proxier.update({ generation: 1, ports })
    for (let write = 0; write < 3; write++) await rules!.program(write === 2)
    t.strictSame(entries(), ['10.96.0.11,tcp:80'])
    t.equal((await ipvs.list()).length, 2, 'the virtual servers of both')
    t.equal(log.errors.length, 1)
    t.match(log.errors[0], { error: { code: 'IPSET_FAILED' }, fields: { line: /10\.96\.0\.10,tcp:80$/ } })
    isRefusing = false
    await rules!.program(true)
    t.strictSame(entries().sort(), ['10.96.0.10,tcp:80', '10.96.0.11,tcp:80'])
  },
)
