import t from 'tap'
import { LocalAddresses } from '../../../lib/model/local-addresses.js'
import { chainOwners } from '../../../lib/modes/registry.js'
import { discardEvents } from '../../../lib/model/event-sink.js'
import { DRAIN_CHECK_MS, IpvsProxier } from '../../../lib/modes/ipvs/proxier.js'
import { SetLineRefused } from '../../../lib/system/ip-sets.js'
import { type IpvsChange } from '../../../lib/system/ipvs-text.js'
import { usableEndpoints } from '../../../lib/snapshot/usable-endpoints.js'
import { RecordingLog } from '../../support/log/recording-log.js'
import { makeEndpoint } from '../../support/model/make-endpoint.js'
import { ManualClock, settle } from '../../support/clock/manual-clock.js'
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

interface Parts {
  readonly ipvs: MemoryIpvs
  readonly sets: MemoryIpSets
  readonly iptables: MemoryIptables
  readonly conntrack?: MemoryConntrack
  readonly clock?: ManualClock
  readonly log?: RecordingLog
}

function makeProxier({ ipvs, sets, iptables, ...parts }: Parts) {
  const { conntrack = new MemoryConntrack(), clock = new ManualClock(), log = new RecordingLog() } = parts
  return new IpvsProxier({
    ...{ ipvs, sets, dummy: new MemoryDummyInterface(), iptables: [iptables], conntrack },
    chainOwners: chainOwners('ipvs'),
    settings: { scheduler: 'rr', masqueradeAll: false, masqueradeMark: 0x4000, randomFully: true },
    excludeCIDRs: [],
    localTraffic: () => ({ localMatches: [], nodePortAddresses: undefined }),
    nodeAddresses: () => ['192.168.50.1'],
    localAddresses: () => LOCAL_ADDRESSES,
    timeouts: { tcp: 0, tcpFin: 0, udp: 0 },
    applySettings: () => undefined,
    maxStateAgeMs: 30_000,
    clock,
    events: discardEvents,
    log,
  })
}

/** Services with these ClusterIPs, each with one endpoint. */
function makePorts(clusterIPs: readonly string[], protocol: 'TCP' | 'UDP' = 'TCP', ip = '10.244.0.5') {
  const endpoints = [makeEndpoint(ip)]
  return new Map(
    clusterIPs.map((clusterIP, index) => {
      const servicePort = makeServicePort({ clusterIP, name: `web-${index}`, protocol })
      const usable = usableEndpoints(servicePort, endpoints, { name: 'this-node', zone: '' })
      return [servicePort.key, { servicePort, endpoints, usable }] as const
    }),
  )
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
    const ports = makePorts(['10.96.0.10', '10.96.0.11'])
    await proxier.start()
    const [rules] = proxier.rules
    const entries = () => [...sets.get('KUBE-CLUSTER-IP')!.entries]
    await proxier.update({ generation: 1, ports })
    for (let write = 0; write < 3; write++)
      t.strictSame((await rules!.program(write === 2)).refused, { server: 0, entry: 1 })
    t.strictSame(entries(), ['10.96.0.11,tcp:80'])
    t.equal((await ipvs.list()).length, 2, 'the virtual servers of both')
    t.equal(log.errors.length, 1)
    t.match(log.errors[0], { error: { code: 'IPSET_FAILED' }, fields: { line: /10\.96\.0\.10,tcp:80$/ } })
    isRefusing = false
    t.strictSame((await rules!.program(true)).refused, { server: 0, entry: 0 })
    t.strictSame(entries().sort(), ['10.96.0.10,tcp:80', '10.96.0.11,tcp:80'])
  },
)

void t.test(
  'A virtual server that the kernel refuses is reported once, tried again, and harms no other one',
  async t => {
    let isRefusing = true
    class Refusing extends MemoryIpvs {
      lists = 0
      /** Of the server that is refused. */
      attempts = 0
      override list() {
        this.lists++
        return super.list()
      }
      override async change(changes: readonly IpvsChange[]): Promise<void> {
        const isRefused = ({ server }: IpvsChange): boolean => isRefusing && server.address === '10.96.0.10'
        await super.change(changes.filter(each => !isRefused(each)))
        if (!changes.some(isRefused)) return
        this.attempts++
        throw new Error('Scheduler or persistence engine not found')
      }
    }
    const [ipvs, conntrack, clock, log] = [new Refusing(), new MemoryConntrack(), new ManualClock(), new RecordingLog()]
    const iptables: MemoryIptables = new MemoryIptables('IPv4', name => sets.get(name) !== undefined)
    const sets = new MemoryIpSets(() => iptables.tables.referencedSets)
    const proxier = makeProxier({ ipvs, sets, iptables, conntrack, clock, log })
    // A client that began before its Service.
    const end = (address: string, port: number) => ({ address, port })
    const [destination, replySource] = [end('10.96.0.11', 80), end('10.96.0.11', 80)]
    conntrack.entries = [{ family: 'IPv4', protocol: 'UDP', source: end('10.244.0.9', 5000), destination, replySource }]
    await proxier.start()
    const [rules] = proxier.rules
    const served = async () => (await ipvs.list()).map(({ address }) => address).sort()
    await proxier.update({ generation: 1, ports: makePorts(['10.96.0.10', '10.96.0.11'], 'UDP') })
    t.strictSame((await rules!.program(false)).refused, { server: 1, entry: 0 })
    t.strictSame(await served(), ['10.96.0.11'])
    t.strictSame(conntrack.entries, [], 'stale flows of the others are deleted')
    t.equal(log.errors.length, 1)
    t.match(log.errors[0], { error: { code: 'IPVS_FAILED' }, fields: { line: /^-A -u 10\.96\.0\.10:80/ } })
    const { lists } = ipvs
    await proxier.update({ generation: 2, ports: makePorts(['10.96.0.10', '10.96.0.11', '10.96.0.12'], 'UDP') })
    await rules!.program(true)
    t.equal(ipvs.lists, lists + 1, 'servers are read before one is added, and not for each change')
    t.strictSame(await served(), ['10.96.0.11', '10.96.0.12'])
    t.equal(log.errors.length, 1, 'reported once')
    await clock.advance(30_000)
    const { attempts } = ipvs
    await rules!.program(true)
    t.strictSame(await served(), ['10.96.0.11', '10.96.0.12'], 'and refused again after a read')
    t.equal(ipvs.attempts, attempts + 1, 'without its endpoints, which it could not have')
    t.equal(log.errors.length, 1, 'reported once')
    const early = end('10.96.0.10', 80)
    conntrack.entries = [
      { family: 'IPv4', protocol: 'UDP', source: end('10.244.0.9', 5000), destination: early, replySource: early },
    ]
    isRefusing = false
    await clock.advance(30_000)
    t.match(await rules!.program(true), { changed: true, refused: { server: 0, entry: 0 } })
    t.strictSame(await served(), ['10.96.0.10', '10.96.0.11', '10.96.0.12'])
    t.strictSame(conntrack.entries, [], 'clients that began before it begin again')
    await proxier.update({ generation: 3, ports: makePorts(['10.96.0.11', '10.96.0.12'], 'UDP') })
    t.strictSame(await served(), ['10.96.0.11', '10.96.0.12'], 'the proxy owns what the kernel has taken at last')
    await proxier.update({ generation: 4, ports: makePorts(['10.96.0.10', '10.96.0.11'], 'UDP') })
    isRefusing = true
    await proxier.update({ generation: 5, ports: new Map() })
    t.strictSame(await served(), ['10.96.0.10'], 'a server that cannot be removed keeps no other one')
  },
)

/** Ipvs mode with one Service, in a kernel that refuses the endpoint 224.0.0.1. */
async function startWithRefusedEndpoint(protocol: 'TCP' | 'UDP') {
  class Refusing extends MemoryIpvs {
    override async change(changes: readonly IpvsChange[]): Promise<void> {
      const isRefused = (change: IpvsChange): boolean =>
        change.kind === 'add real' && change.real.address === '224.0.0.1'
      await super.change(changes.filter(each => !isRefused(each)))
      if (changes.some(isRefused)) throw new Error('Unexpected IP address type of dest')
    }
  }
  const [ipvs, log] = [new Refusing(), new RecordingLog()]
  const iptables: MemoryIptables = new MemoryIptables('IPv4', name => sets.get(name) !== undefined)
  const sets = new MemoryIpSets(() => iptables.tables.referencedSets)
  const proxier = makeProxier({ ipvs, sets, iptables, log })
  const update = (generation: number, ips: readonly string[]) => {
    const servicePort = makeServicePort({ clusterIP: '10.96.0.10', protocol })
    const endpoints = ips.map(ip => makeEndpoint(ip))
    const usable = usableEndpoints(servicePort, endpoints, { name: 'this-node', zone: '' })
    return proxier.update({ generation, ports: new Map([[servicePort.key, { servicePort, endpoints, usable }]]) })
  }
  const served = async () =>
    (await ipvs.list()).flatMap(({ realServers }) => realServers.map(({ address }) => address)).sort()
  await proxier.start()
  return { proxier, log, update, served }
}

void t.test('A server is seen to drain, also if it lacks an endpoint that the kernel refuses', async t => {
  const { proxier, update, served } = await startWithRefusedEndpoint('TCP')
  const [family] = proxier.rules
  await update(1, ['10.244.0.5', '224.0.0.1'])
  await family!.program(false)
  t.equal(family!.isDraining, false)
  await update(2, ['10.244.0.6', '224.0.0.1'])
  t.strictSame(await served(), ['10.244.0.5', '10.244.0.6'])
  t.equal(family!.isDraining, true)
  await family!.removeDrained()
  t.strictSame(await served(), ['10.244.0.6'])
  t.equal(family!.isDraining, false)
  await proxier.stop()
})

void t.test(
  'Of a server with an endpoint that the kernel refuses, it has all others, and loses those that are gone',
  async t => {
    const { proxier, log, update, served } = await startWithRefusedEndpoint('UDP')
    await update(1, ['10.244.0.5', '224.0.0.1'])
    await proxier.rules[0]!.program(false)
    t.strictSame(await served(), ['10.244.0.5'])
    await update(2, ['10.244.0.6', '224.0.0.1'])
    t.strictSame(await served(), ['10.244.0.6'])
    await update(3, ['10.244.0.6'])
    await update(4, ['10.244.0.7'])
    t.strictSame(await served(), ['10.244.0.7'])
    t.equal(log.errors.length, 1, 'the same line is reported once')
  },
)

void t.test(
  'Clients that began before the kernel took a server begin again, also if its endpoints have changed',
  async t => {
    let isRefusing = true
    class Refusing extends MemoryIpvs {
      override change(changes: readonly IpvsChange[]): Promise<void> {
        return isRefusing && changes.length > 0
          ? Promise.reject(new Error('Scheduler not found'))
          : super.change(changes)
      }
    }
    const conntrack = new MemoryConntrack()
    const iptables: MemoryIptables = new MemoryIptables('IPv4', name => sets.get(name) !== undefined)
    const sets = new MemoryIpSets(() => iptables.tables.referencedSets)
    const proxier = makeProxier({ ipvs: new Refusing(), sets, iptables, conntrack })
    await proxier.start()
    await proxier.update({ generation: 1, ports: makePorts(['10.96.0.10']) })
    await proxier.rules[0]!.program(false)
    const end = (address: string, port: number) => ({ address, port })
    const [source, destination] = [end('10.244.0.9', 5000), end('10.96.0.10', 80)]
    const syn = { family: 'IPv4', protocol: 'TCP', source, isUnanswered: true } as const
    conntrack.entries = [{ ...syn, destination, replySource: destination }]
    isRefusing = false
    await proxier.update({ generation: 2, ports: makePorts(['10.96.0.10'], 'TCP', '10.244.0.6') })
    t.strictSame(conntrack.entries, [])
  },
)

void t.test('A failure of all changes of virtual servers is a failure of the sync', async t => {
  class Failing extends MemoryIpvs {
    override change(): Promise<void> {
      return Promise.reject(new Error('no memory'))
    }
  }
  const iptables: MemoryIptables = new MemoryIptables('IPv4', name => sets.get(name) !== undefined)
  const sets = new MemoryIpSets(() => iptables.tables.referencedSets)
  const proxier = makeProxier({ ipvs: new Failing(), sets, iptables })
  await proxier.start()
  await proxier.update({ generation: 1, ports: makePorts(Array.from({ length: 30 }, (_, n) => `10.96.1.${n}`)) })
  await t.rejects(proxier.rules[0]!.program(false), { message: 'no memory' })
})

void t.test('After entries of a set were lost, clients that began meanwhile begin again', async t => {
  const [ipvs, conntrack, clock] = [new MemoryIpvs(), new MemoryConntrack(), new ManualClock()]
  const iptables: MemoryIptables = new MemoryIptables('IPv4', name => sets.get(name) !== undefined)
  const sets = new MemoryIpSets(() => iptables.tables.referencedSets)
  const proxier = makeProxier({ ipvs, sets, iptables, conntrack, clock })
  await proxier.start()
  await proxier.update({ generation: 1, ports: makePorts(['10.96.0.10']) })
  const [rules] = proxier.rules
  await rules!.program(false)
  await sets.restore('del KUBE-CLUSTER-IP 10.96.0.10,tcp:80\n')
  const end = (address: string, port: number) => ({ address, port })
  // IPVS has led it to the right endpoint, and it is not masqueraded.
  const syn = { family: 'IPv4', protocol: 'TCP', source: end('192.168.50.1', 5000), isUnanswered: true } as const
  conntrack.entries = [{ ...syn, destination: end('10.96.0.10', 80), replySource: end('10.244.0.5', 8080) }]
  await clock.advance(30_000)
  t.equal((await rules!.program(true)).changed, true)
  t.strictSame(conntrack.entries, [])
})

void t.test('Entries that are refused while a set is replaced, or removed, are tried again', async t => {
  let refused: RegExp | undefined
  class Refusing extends MemoryIpSets {
    override async restore(text: string): Promise<void> {
      const line = text.split('\n').find(each => refused?.test(each) === true)
      if (line !== undefined) throw new SetLineRefused(line, `refused: ${line}`)
      return super.restore(text)
    }
  }
  const [ipvs, log] = [new MemoryIpvs(), new RecordingLog()]
  const iptables: MemoryIptables = new MemoryIptables('IPv4', name => sets.get(name) !== undefined)
  const sets = new Refusing(() => iptables.tables.referencedSets)
  // The original kube-proxy makes it smaller.
  await sets.restore('create KUBE-CLUSTER-IP hash:ip,port family inet maxelem 65536\n')
  const proxier = makeProxier({ ipvs, sets, iptables, log })
  await proxier.start()
  const [rules] = proxier.rules
  const entries = () => [...sets.get('KUBE-CLUSTER-IP')!.entries].sort()
  refused = /^add KUBE-(?:SWAP|CLUSTER-IP) 10\.96\.0\.10,/
  await proxier.update({ generation: 1, ports: makePorts(['10.96.0.10', '10.96.0.11']) })
  await rules!.program(false)
  t.strictSame(entries(), ['10.96.0.11,tcp:80'])
  refused = /^del KUBE-CLUSTER-IP 10\.96\.0\.11,/
  await proxier.update({ generation: 2, ports: makePorts(['10.96.0.10']) })
  t.strictSame(entries(), ['10.96.0.10,tcp:80', '10.96.0.11,tcp:80'])
  await rules!.program(false)
  t.strictSame(
    log.errors.map(({ fields }) => fields?.['line']),
    [
      'add KUBE-SWAP 10.96.0.10,tcp:80',
      'add KUBE-CLUSTER-IP 10.96.0.10,tcp:80',
      'del KUBE-CLUSTER-IP 10.96.0.11,tcp:80',
    ],
    'each is reported',
  )
  refused = undefined
  await rules!.program(false)
  t.strictSame(entries(), ['10.96.0.10,tcp:80'])
})

/** Virtual servers whose changes wait for `release` once `hold` was called. */
class HeldIpvs extends MemoryIpvs {
  hold = false
  release: (() => void) | undefined

  override async change(changes: readonly IpvsChange[]): Promise<void> {
    if (this.hold) await new Promise<void>(resolve => (this.release = resolve))
    return super.change(changes)
  }
}

/** A proxier that serves one Service, and what replaces the only endpoint of that. */
async function startWithHeldIpvs() {
  const [ipvs, clock] = [new HeldIpvs(), new ManualClock()]
  const iptables: MemoryIptables = new MemoryIptables('IPv4', name => sets.get(name) !== undefined)
  const sets = new MemoryIpSets(() => iptables.tables.referencedSets)
  const proxier = makeProxier({ ipvs, sets, iptables, clock })
  await proxier.start()
  await proxier.update({ generation: 1, ports: makePorts(['10.96.0.10']) })
  for (const rules of proxier.rules) await rules.program(false)
  const replaceEndpoint = () => proxier.update({ generation: 2, ports: makePorts(['10.96.0.10'], 'TCP', '10.244.0.6') })
  return { ipvs, clock, proxier, replaceEndpoint }
}

void t.test('After its stop, a proxier checks no real servers, also if an update ends later', async t => {
  const { ipvs, clock, proxier, replaceEndpoint } = await startWithHeldIpvs()
  ipvs.hold = true
  const updated = replaceEndpoint()
  await settle()
  await proxier.stop()
  ipvs.release!()
  await updated
  t.ok(proxier.rules[0]!.isDraining, 'a real server waits for its last connection')
  t.equal(clock.pendingTimers, 0)
})

void t.test('A stop waits for the check of real servers that runs', async t => {
  const { ipvs, clock, proxier, replaceEndpoint } = await startWithHeldIpvs()
  await replaceEndpoint()
  ipvs.hold = true
  await clock.advance(DRAIN_CHECK_MS)
  t.ok(ipvs.release, 'it removes a real server')
  let hasStopped = false
  const stopped = proxier.stop().then(() => (hasStopped = true))
  await settle()
  t.notOk(hasStopped)
  ipvs.release!()
  await stopped
  t.equal(clock.pendingTimers, 0)
})

void t.test(
  'A virtual server that another program has just made is not touched, and all others are served',
  async t => {
    const ipvs = new MemoryIpvs()
    const iptables: MemoryIptables = new MemoryIptables('IPv4', name => sets.get(name) !== undefined)
    const sets = new MemoryIpSets(() => iptables.tables.referencedSets)
    const proxier = makeProxier({ ipvs, sets, iptables })
    await proxier.start()
    await proxier.update({ generation: 1, ports: makePorts(['10.96.0.10']) })
    const [rules] = proxier.rules
    await rules!.program(false)
    const foreign = {
      protocol: 'TCP',
      address: '10.96.0.11',
      port: 80,
      scheduler: 'wlc',
      flags: '',
      persistenceSeconds: 0,
    } as const
    const real = { address: '192.168.50.9', port: 80, weight: 5 }
    await ipvs.change([
      { kind: 'add', server: foreign },
      { kind: 'add real', server: foreign, real },
    ])
    const serversNow = async () =>
      (await ipvs.list()).map(({ address, scheduler, realServers }) => [
        address,
        scheduler,
        realServers.map(({ address: ip, weight }) => `${ip} ${weight}`).join(),
      ])
    const untouched = ['10.96.0.11', 'wlc', '192.168.50.9 5']
    const three = makePorts(['10.96.0.10', '10.96.0.11', '10.96.0.12'])
    for (let generation = 2; generation < 5; generation++) {
      await proxier.update({ generation, ports: three })
      await rules!.program(generation === 4)
      const servers = await serversNow()
      t.strictSame(
        servers.find(([address]) => address === '10.96.0.11'),
        untouched,
        `update ${generation}`,
      )
      t.strictSame(servers.map(([address]) => address).sort(), ['10.96.0.10', '10.96.0.11', '10.96.0.12'])
    }
    await proxier.update({ generation: 5, ports: makePorts(['10.96.0.10']) })
    await rules!.program(true)
    t.strictSame(
      (await serversNow()).find(([address]) => address === '10.96.0.11'),
      untouched,
      'after the Service',
    )
  },
)
