import t from 'tap'
import { LocalAddresses } from '../../../lib/model/local-addresses.js'
import { chainOwners } from '../../../lib/modes/registry.js'
import { type ClusterEvent } from '../../../lib/model/event-sink.js'
import { type Endpoint } from '../../../lib/model/endpoint.js'
import { type ServicePort } from '../../../lib/model/service-port.js'
import { type ServedPort, type ServiceSnapshot } from '../../../lib/model/snapshot.js'
import { IptablesProxier } from '../../../lib/modes/iptables/proxier.js'
import { type LocalTraffic } from '../../../lib/frontends/local-traffic.js'
import { RecordingLog } from '../../support/log/recording-log.js'
import { makeEndpoint } from '../../support/model/make-endpoint.js'
import { MemoryConntrack } from '../../support/kernel/memory-conntrack.js'
import { MemoryIptables } from '../../support/kernel/memory-iptables.js'
import { makeServicePort } from '../../support/model/make-service-port.js'
import { tracePacket } from '../../support/kernel/trace-packet.js'

const LOCAL_ADDRESSES = new LocalAddresses(['192.168.50.1'])
function servedPort(given: Partial<ServicePort>, ...endpoints: Endpoint[]): ServedPort {
  const usable = { cluster: endpoints, local: [], hasAny: endpoints.length > 0 }
  return { servicePort: makeServicePort(given), endpoints, usable }
}

function snapshotOf(...ports: ServedPort[]): ServiceSnapshot {
  return { generation: 1, ports: new Map(ports.map(port => [port.servicePort.key, port])) }
}

/** A proxier of both families with kernels in memory. */
class ProxierUnderTest {
  readonly ipv4 = new MemoryIptables('IPv4')
  readonly ipv6 = new MemoryIptables('IPv6')
  readonly events: ClusterEvent[] = []
  readonly log = new RecordingLog()
  readonly proxier: IptablesProxier
  localTraffic: LocalTraffic = { localMatches: [], nodePortAddresses: undefined }
  /** How often the conntrack table was read. */
  flowReads = 0
  failure: Error | undefined
  /** Writes wait for this promise. */
  gate: Promise<unknown> = Promise.resolve()

  constructor() {
    const conntrack = new MemoryConntrack()
    const restore = this.ipv4.restore.bind(this.ipv4)
    this.ipv4.restore = async text => {
      await this.gate
      if (this.failure !== undefined) throw this.failure
      await restore(text)
    }
    this.proxier = new IptablesProxier({
      iptables: [this.ipv4, this.ipv6],
      chainOwners: chainOwners('iptables'),
      settings: { masqueradeAll: false, masqueradeMark: 0x4000, randomFully: false, dropInvalid: true },
      conntrack: {
        list: (family, protocol) => {
          if (protocol === 'UDP') this.flowReads++
          return conntrack.list(family, protocol)
        },
        delete: entries => conntrack.delete(entries),
      },
      nodeAddress: () => '192.168.50.1',
      nodeAddresses: family => (family === 'IPv4' ? ['192.168.50.1'] : []),
      localAddresses: () => LOCAL_ADDRESSES,
      localTraffic: () => this.localTraffic,
      localhostNodePorts: () => false,
      allowRouteLocalnet: () => undefined,
      events: { record: event => void this.events.push(event) },
      log: this.log,
    })
  }

  static async start(): Promise<ProxierUnderTest> {
    const setup = new ProxierUnderTest()
    await setup.proxier.start()
    return setup
  }

  /** Updates with a snapshot, writes pending rules, and returns the families that had changes. */
  async sync(...ports: ServedPort[]): Promise<string[]> {
    await this.proxier.update(snapshotOf(...ports))
    const written: string[] = []
    for (const rules of this.proxier.rules)
      if (rules.pending && (await rules.program(false)).changed) written.push(rules.family)
    return written
  }

  /** Where a Pod's packet to the first Service goes. */
  get destination(): string {
    const packet = { hook: 'PREROUTING', protocol: 'tcp', destination: '10.96.0.10', port: 80 } as const
    return tracePacket(this.ipv4.tables, { ...packet, source: '10.244.0.99', localAddresses: ['192.168.50.1'] })
  }
}

const [a, b] = [makeEndpoint('10.244.0.5'), makeEndpoint('10.244.0.6')]

void t.test('Rules are pending until they are written, and again only when their family changes', async t => {
  const setup = await ProxierUnderTest.start()
  const web = servedPort({}, a)
  t.strictSame(await setup.sync(), ['IPv4', 'IPv6'], 'also without any Service')
  t.strictSame(await setup.sync(web), ['IPv4'])
  t.strictSame(await setup.sync(web), [])
  t.strictSame(
    setup.proxier.rules.map(({ pending }) => pending),
    [false, false],
  )
  const six = servedPort({ family: 'IPv6', name: 'six', clusterIP: 'fd00:96::6' }, makeEndpoint('fd00:244::5'))
  t.strictSame(await setup.sync(web, six), ['IPv6'])
  t.equal(setup.destination, '10.244.0.5:8080')
  setup.localTraffic = { localMatches: [{ inInterface: 'cali+' }], nodePortAddresses: undefined }
  t.strictSame(await setup.sync(web, six), ['IPv4', 'IPv6'], 'the local traffic changed')
  t.end()
})

void t.test('A change that comes during a write is written next', async t => {
  const setup = await ProxierUnderTest.start()
  await setup.sync(servedPort({}, a))
  let open = (): void => undefined
  setup.gate = new Promise<void>(resolve => (open = resolve))
  const [rules] = setup.proxier.rules
  await setup.proxier.update(snapshotOf(servedPort({}, b)))
  const writing = rules!.program(false)
  await setup.proxier.update(snapshotOf())
  open()
  await writing
  t.equal(setup.destination, '10.244.0.6:8080')
  t.equal(rules!.pending, true)
  await rules!.program(false)
  t.equal(rules!.pending, false)
  t.equal(setup.destination, 'untouched')
  t.end()
})

void t.test(
  'Rules that could not be written stay pending, and the next write reads changes of other programs',
  async t => {
    const setup = await ProxierUnderTest.start()
    await setup.sync(servedPort({}, a))
    const [rules] = setup.proxier.rules
    await setup.proxier.update(snapshotOf(servedPort({}, b)))
    setup.failure = new Error('the lock is taken')
    await t.rejects(rules!.program(false), setup.failure)
    t.equal(rules!.pending, true)
    t.equal(setup.destination, '10.244.0.5:8080', 'the old rules are in force')
    setup.ipv4.tables.restore('*nat\n:KUBE-SERVICES - [0:0]\nCOMMIT\n')
    setup.failure = undefined
    await rules!.program(false)
    t.equal(setup.destination, '10.244.0.6:8080')
    t.end()
  },
)

void t.test('The conntrack table is read only when UDP service ports change', async t => {
  const setup = await ProxierUnderTest.start()
  const dns = servedPort({ name: 'dns', protocol: 'UDP', clusterIP: '10.96.0.53', port: 53 }, a)
  const reads = async (...ports: ServedPort[]): Promise<number> => {
    setup.flowReads = 0
    await setup.sync(...ports)
    return setup.flowReads
  }
  t.equal(await reads(servedPort({}, a)), 0, 'there is no UDP')
  t.equal(await reads(servedPort({}, b), dns), 1, 'a Service is added')
  t.equal(await reads(servedPort({}, a), dns), 0, 'endpoints of TCP')
  t.equal(await reads({ ...dns, endpoints: [b], usable: { ...dns.usable, cluster: [b] } }), 1, 'endpoints of UDP')
  t.equal(await reads(), 1, 'the Service is removed')
  t.equal(await reads(servedPort({}, a)), 0)
  t.end()
})

void t.test(
  'An address that two Services use belongs to the older one, and an endpoint that is an address is left out',
  async t => {
    const setup = await ProxierUnderTest.start()
    const [old, young] = [
      servedPort({ name: 'old', createdAt: 1 }, a),
      servedPort({ name: 'young', createdAt: 2, externalIPs: ['203.0.113.7'] }, b),
    ]
    await setup.sync(young, old)
    t.equal(setup.destination, '10.244.0.5:8080')
    t.match(setup.events, [{ reason: 'PortAlreadyAllocated', regarding: { name: 'young' } }])
    const looping = servedPort({ name: 'old', createdAt: 1 }, makeEndpoint('203.0.113.7', { port: 80 }))
    await setup.sync(young, looping)
    t.equal(setup.destination, 'refused', 'the packets would loop')
    t.end()
  },
)
