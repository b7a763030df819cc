import t from 'tap'
import { discardEvents } from '../../../lib/model/event-sink.js'
import { ProxyFailure } from '../../../lib/model/failure.js'
import { chainOwners } from '../../../lib/modes/registry.js'
import { type ListenerSpec } from '../../../lib/dataplane/listener-plan.js'
import { UserspaceFamily } from '../../../lib/modes/userspace/family.js'
import { type ProgrammedFrontend } from '../../../lib/modes/userspace/programmable-frontends.js'
import { frontendsOf } from '../../../lib/frontends/frontend.js'
import { parseIptablesSave } from '../../../lib/netfilter/iptables-save.js'
import { ManualClock } from '../../support/clock/manual-clock.js'
import { MemoryTables } from '../../support/kernel/memory-tables.js'
import { makeServicePort } from '../../support/model/make-service-port.js'

const NODE = '192.168.50.1'

/** The cluster IP of `web-N`, with its listener. */
function programmedFrontend(
  n: number,
  proxyPort: number,
  key = `web-${n}`,
  protocol: 'TCP' | 'UDP' = 'TCP',
): ProgrammedFrontend {
  const servicePort = makeServicePort({ name: `web-${n}`, clusterIP: `10.96.${n >> 8}.${n & 255}`, protocol })
  const [frontend] = frontendsOf({ servicePort, endpoints: [], usable: { cluster: [], local: [], hasAny: false } })
  const target = { address: NODE, port: proxyPort }
  const spec = { key, address: NODE, port: proxyPort } as ListenerSpec
  return {
    resolved: { frontend: frontend!, fromNode: target, fromPods: target, fromExternal: target },
    specs: [spec],
    ports: [proxyPort],
    proxyPorts: [{ protocol, address: NODE, port: proxyPort, sourceRanges: undefined }],
    fingerprint: String(proxyPort),
  }
}

/** A family with a kernel in memory. */
class FamilyUnderTest {
  readonly kernel = new MemoryTables()
  readonly inputs: string[] = []
  failure: Error | undefined
  /** Whether a write that fails is applied nevertheless, as by a program that is killed after its last step. */
  appliesBeforeFailure = false
  /** How often flows were listed. */
  flowLists = 0
  /** Text that the kernel refuses. */
  refused: string | undefined
  readonly clock = new ManualClock()
  readonly family: UserspaceFamily

  constructor() {
    this.family = new UserspaceFamily({
      iptables: {
        family: 'IPv4',
        read: () => Promise.resolve(parseIptablesSave(this.kernel.save())),
        maxChainsPerRestore: Infinity,
        restore: text => {
          if (this.appliesBeforeFailure) this.kernel.restore(text)
          if (this.failure !== undefined) return Promise.reject(this.failure)
          if (this.refused !== undefined && text.includes(this.refused))
            return Promise.reject(new ProxyFailure('IPTABLES_RESTORE_FAILED', `refused: ${this.refused}`))
          this.inputs.push(text)
          this.kernel.restore(text)
          return Promise.resolve()
        },
      },
      chainOwners: chainOwners('userspace'),
      localTraffic: () => ({ localMatches: [], nodePortAddresses: undefined }),
      conntrack: { list: () => Promise.resolve((this.flowLists++, [])), delete: () => Promise.resolve(0) },
      nodeAddresses: () => [],
      events: discardEvents,
      clock: this.clock,
      log: { enabled: () => false, info: () => undefined, warn: () => undefined, error: () => undefined },
    })
  }

  get programmedListeners(): string[] {
    return [...this.family.programmedListeners.keys()].sort()
  }
}

void t.test(
  'A change of one Service among thousands writes only its chains, with and without a read of the kernel',
  async t => {
    for (const verify of [false, true]) {
      const setup = new FamilyUnderTest()
      const frontends = new Map(Array.from({ length: 3000 }, (_, n) => [`web-${n}`, programmedFrontend(n, 35_000 + n)]))
      setup.family.setDesired(frontends)
      await setup.family.program(verify)
      t.equal(setup.family.pending, false)
      setup.family.setDesired(new Map([...frontends, ['web-1234', programmedFrontend(1234, 50_000)]]))
      t.equal(setup.family.pending, true)
      const { changed } = await setup.family.program(verify)
      t.equal(changed, true)
      const text = setup.inputs[1]!
      t.match(text, '--to-destination 192.168.50.1:50000')
      const chains = text.split('\n').filter(line => line.startsWith(':'))
      t.ok(chains.length <= 9, chains.join(' '))
      t.equal((await setup.family.program(true)).changed, false)
      t.equal(setup.inputs.length, 2)
    }
    t.end()
  },
)

void t.test('A chain that another program jumps to is flushed, not deleted, when it is no longer desired', async t => {
  const setup = new FamilyUnderTest()
  setup.family.setDesired(
    new Map(Array.from({ length: 40 }, (_, n) => [`web-${n}`, programmedFrontend(n, 35_000 + n)])),
  )
  await setup.family.program(false)
  setup.kernel.restore('*nat\n:FOREIGN - [0:0]\n-A FOREIGN -j KUBE-ADDR-10.96.0.0/28\nCOMMIT\n')
  t.equal((await setup.family.program(true)).changed, false)
  setup.family.setDesired(new Map([['web-1', programmedFrontend(1, 35_001)]]))
  t.equal((await setup.family.program(false)).changed, true)
  t.same(setup.kernel.chain('nat', 'KUBE-ADDR-10.96.0.0/28'), [])
  t.equal(setup.kernel.chain('nat', 'KUBE-ADDR-10.96.0.16/28'), undefined)
  t.end()
})

void t.test('While writes fail, the listeners of the old rules and of the new ones stay open', async t => {
  const setup = new FamilyUnderTest()
  setup.family.setDesired(
    new Map([
      ['a', programmedFrontend(1, 40_001)],
      ['b', programmedFrontend(2, 40_002)],
    ]),
  )
  await setup.family.program(false)
  t.same(setup.programmedListeners, ['web-1', 'web-2'])
  setup.failure = new Error('the lock is taken')
  setup.family.setDesired(
    new Map([
      ['a', programmedFrontend(1, 41_001, 'web-1#local')],
      ['c', programmedFrontend(3, 40_003)],
    ]),
  )
  await t.rejects(setup.family.program(false))
  t.same(setup.programmedListeners, ['web-1', 'web-1#local', 'web-2', 'web-3'])
  setup.family.setDesired(new Map([['d', programmedFrontend(4, 40_004)]]))
  await t.rejects(setup.family.program(true))
  t.same(setup.programmedListeners, ['web-1', 'web-1#local', 'web-2', 'web-3', 'web-4'])
  setup.failure = undefined
  await setup.family.program(true)
  t.same(setup.programmedListeners, ['web-4'])
  t.end()
})

void t.test('After a write that failed, but that the kernel has, flows of removed frontends are searched', async t => {
  const setup = new FamilyUnderTest()
  setup.family.setDesired(new Map([['dns', programmedFrontend(1, 40_001, 'dns', 'UDP')]]))
  await setup.family.program(false)
  setup.family.setDesired(new Map())
  setup.appliesBeforeFailure = true
  setup.failure = new Error('killed')
  await t.rejects(setup.family.program(false))
  const before = setup.flowLists
  setup.appliesBeforeFailure = false
  setup.failure = undefined
  t.equal((await setup.family.program(true)).changed, false)
  t.ok(setup.flowLists > before)
  const after = setup.flowLists
  await setup.family.program(true)
  t.equal(setup.flowLists, after, 'once')
})

void t.test('A frontend whose rules the kernel refuses is left out, and all others are served', async t => {
  const setup = new FamilyUnderTest()
  const frontends = new Map(Array.from({ length: 300 }, (_, n) => [`web-${n}`, programmedFrontend(n, 35_000 + n)]))
  setup.family.setDesired(frontends)
  setup.refused = '--to-destination 192.168.50.1:35123'
  const report = await setup.family.program(false)
  t.equal(report.changed, true)
  t.strictSame(report.refused, { kind: 0, rule: 1, unresolved: 0 })
  const served = (): number => setup.kernel.save().match(/--to-destination/g)!.length
  const count = served()
  t.notMatch(setup.kernel.save(), setup.refused)
  t.equal(setup.family.pending, false, 'it is not written again and again')
  t.notMatch(setup.kernel.save(), 'KUBE-PROXY-PROBE')

  await t.test('a change of others is written without another attempt', async t => {
    const before = setup.inputs.length
    setup.family.setDesired(new Map([...frontends, ['web-300', programmedFrontend(300, 35_300)]]))
    t.equal(setup.family.pending, true)
    await setup.family.program(false)
    t.equal(setup.inputs.length, before + 1)
    t.equal(served(), count + 1)
  })

  await t.test('it is tried again when it changes', async t => {
    setup.family.setDesired(new Map([...frontends, ['web-123', programmedFrontend(123, 36_123)]]))
    t.equal(setup.family.pending, true)
    t.strictSame((await setup.family.program(false)).refused?.rule, 0)
    t.match(setup.kernel.save(), '192.168.50.1:36123')
  })

  await t.test('it is tried again at a check after half a minute', async t => {
    setup.family.setDesired(frontends)
    t.equal((await setup.family.program(false)).refused?.rule, 1)
    setup.refused = undefined
    t.equal((await setup.family.program(true)).refused?.rule, 1, 'not at every check')
    await setup.clock.advance(30_000)
    t.equal((await setup.family.program(true)).refused?.rule, 0)
    t.match(setup.kernel.save(), '192.168.50.1:35123')
    t.equal(setup.family.pending, false)
  })
})
