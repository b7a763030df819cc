import { chainOwners } from '../../../lib/modes/registry.js'
import t from 'tap'
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

function servedPort(given: Partial<ServicePort>, ...endpoints: Endpoint[]): ServedPort {
  const usable = { cluster: endpoints, local: [], hasAny: endpoints.length > 0 }
  return { servicePort: makeServicePort(given), endpoints, usable }
}

function snapshotOf(...ports: ServedPort[]): ServiceSnapshot {
  return { generation: 1, ports: new Map(ports.map(port => [port.servicePort.key, port])) }
}

/** A proxier of both families over kernels in memory. */
class ProxierUnderTest {
  readonly ipv4 = new MemoryIptables('IPv4')
  readonly ipv6 = new MemoryIptables('IPv6')
  readonly events: ClusterEvent[] = []
  readonly log = new RecordingLog()
  readonly proxier: IptablesProxier
  localTraffic: LocalTraffic = { localMatches: [], nodePortAddresses: undefined }
  /** How often the table of flows was read. */
  flowReads = 0
  failure: Error | undefined
  /** A write waits for this. */
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
        listUdp: family => {
          this.flowReads++
          return conntrack.listUdp(family)
        },
        delete: entries => conntrack.delete(entries),
      },
      nodeAddress: () => '192.168.50.1',
      nodeAddresses: family => (family === 'IPv4' ? ['192.168.50.1'] : []),
      localTraffic: () => this.localTraffic,
      localhostNodePorts: () => false,
      allowRouteLocalnet: () => undefined,
      events: { record: event => void this.events.push(event) },
      log: this.log,
    })
  }

  static async start(): Promise<ProxierUnderTest> {
    const site = new ProxierUnderTest()
    await site.proxier.start()
    return site
  }

  /** Takes a snapshot and writes what is pending; which families had anything to write. */
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

void t.test(
  'Rules are pending until they are written, and again only when something of their family changed',
  async t => {
    const site = await ProxierUnderTest.start()
    const web = servedPort({}, a)
    t.strictSame(await site.sync(), ['IPv4', 'IPv6'], 'also without any Service')
    t.strictSame(await site.sync(web), ['IPv4'])
    t.strictSame(await site.sync(web), [])
    t.strictSame(
      site.proxier.rules.map(({ pending }) => pending),
      [false, false],
    )
    const six = servedPort({ family: 'IPv6', name: 'six', clusterIP: 'fd00:96::6' }, makeEndpoint('fd00:244::5'))
    t.strictSame(await site.sync(web, six), ['IPv6'])
    t.equal(site.destination, '10.244.0.5:8080')
    site.localTraffic = { localMatches: [{ inInterface: 'cali+' }], nodePortAddresses: undefined }
    t.strictSame(await site.sync(web, six), ['IPv4', 'IPv6'], 'what surrounds them changed')
    t.end()
  },
)

void t.test('A change that comes while rules are written is written next', async t => {
  const site = await ProxierUnderTest.start()
  await site.sync(servedPort({}, a))
  let open = (): void => undefined
  site.gate = new Promise<void>(resolve => (open = resolve))
  const [rules] = site.proxier.rules
  await site.proxier.update(snapshotOf(servedPort({}, b)))
  const writing = rules!.program(false)
  await site.proxier.update(snapshotOf())
  open()
  await writing
  t.equal(site.destination, '10.244.0.6:8080')
  t.equal(rules!.pending, true)
  await rules!.program(false)
  t.equal(rules!.pending, false)
  t.equal(site.destination, 'untouched')
  t.end()
})

void t.test('What could not be written stays pending, and what others did meanwhile is found', async t => {
  const site = await ProxierUnderTest.start()
  await site.sync(servedPort({}, a))
  const [rules] = site.proxier.rules
  await site.proxier.update(snapshotOf(servedPort({}, b)))
  site.failure = new Error('the lock is taken')
  await t.rejects(rules!.program(false), site.failure)
  t.equal(rules!.pending, true)
  t.equal(site.destination, '10.244.0.5:8080', 'the old rules are in force')
  site.ipv4.tables.restore('*nat\n:KUBE-SERVICES - [0:0]\nCOMMIT\n')
  site.failure = undefined
  await rules!.program(false)
  t.equal(site.destination, '10.244.0.6:8080')
  t.end()
})

void t.test('The table of flows is read when something about UDP changed, and then only', async t => {
  const site = await ProxierUnderTest.start()
  const dns = servedPort({ name: 'dns', protocol: 'UDP', clusterIP: '10.96.0.53', port: 53 }, a)
  const reads = async (...ports: ServedPort[]): Promise<number> => {
    site.flowReads = 0
    await site.sync(...ports)
    return site.flowReads
  }
  t.equal(await reads(servedPort({}, a)), 0, 'there is no UDP')
  t.equal(await reads(servedPort({}, b), dns), 1, 'a Service comes')
  t.equal(await reads(servedPort({}, a), dns), 0, 'endpoints of TCP')
  t.equal(await reads({ ...dns, endpoints: [b], usable: { ...dns.usable, cluster: [b] } }), 1, 'endpoints of UDP')
  t.equal(await reads(), 1, 'the Service goes')
  t.equal(await reads(servedPort({}, a)), 0)
  t.end()
})

void t.test(
  "An address that two Services claim is the older one's, and an endpoint that is an address is left out",
  async t => {
    const site = await ProxierUnderTest.start()
    const [old, young] = [
      servedPort({ name: 'old', createdAt: 1 }, a),
      servedPort({ name: 'young', createdAt: 2, externalIPs: ['203.0.113.7'] }, b),
    ]
    await site.sync(young, old)
    t.equal(site.destination, '10.244.0.5:8080')
    t.match(site.events, [{ reason: 'PortAlreadyAllocated', regarding: { name: 'young' } }])
    const looping = servedPort({ name: 'old', createdAt: 1 }, makeEndpoint('203.0.113.7', { port: 80 }))
    await site.sync(young, looping)
    t.equal(site.destination, 'refused', 'which would lead round and round')
    t.end()
  },
)
