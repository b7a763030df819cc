import { chainOwners } from '../../../lib/modes/registry.js'
import t from 'tap'
import { type ListenerSpec } from '../../../lib/dataplane/listener-plan.js'
import { UserspaceFamily, type ProgrammedFrontend } from '../../../lib/modes/userspace/family.js'
import { frontendsOf } from '../../../lib/frontends/frontend.js'
import { parseIptablesSave } from '../../../lib/netfilter/iptables-save.js'
import { MemoryTables } from '../../support/kernel/memory-tables.js'
import { makeServicePort } from '../../support/model/make-service-port.js'

const NODE = '192.168.50.1'

/** The cluster IP of `web-N`, led to a listener. */
function programmedFrontend(n: number, proxyPort: number, key = `web-${n}`): ProgrammedFrontend {
  const servicePort = makeServicePort({ name: `web-${n}`, clusterIP: `10.96.${n >> 8}.${n & 255}` })
  const [portal] = frontendsOf({ servicePort, endpoints: [], usable: { cluster: [], local: [], hasAny: false } })
  const target = { address: NODE, port: proxyPort }
  const spec = { key, address: NODE, port: proxyPort } as ListenerSpec
  return {
    resolved: { frontend: portal!, fromNode: target, fromPods: target, fromExternal: target },
    specs: [spec],
    ports: [proxyPort],
    proxyPorts: [{ protocol: 'TCP', address: NODE, port: proxyPort, sourceRanges: undefined }],
    fingerprint: String(proxyPort),
  }
}

/** Rules of a family over a kernel in memory. */
class FamilyUnderTest {
  readonly kernel = new MemoryTables()
  readonly inputs: string[] = []
  failure: Error | undefined
  readonly family: UserspaceFamily

  constructor() {
    this.family = new UserspaceFamily({
      iptables: {
        family: 'IPv4',
        read: () => Promise.resolve(parseIptablesSave(this.kernel.save())),
        maxChainsPerRestore: Infinity,
        readChain: () => Promise.resolve('unknown'),
        restore: text => {
          if (this.failure !== undefined) return Promise.reject(this.failure)
          this.inputs.push(text)
          this.kernel.restore(text)
          return Promise.resolve()
        },
      },
      chainOwners: chainOwners('userspace'),
      localTraffic: () => ({ localMatches: [], nodePortAddresses: undefined }),
      conntrack: { listUdp: () => Promise.resolve([]), delete: () => Promise.resolve() },
      nodeAddresses: () => [],
      log: { enabled: () => false, info: () => undefined, warn: () => undefined, error: () => undefined },
    })
  }

  get heldListeners(): string[] {
    return [...this.family.heldListeners.keys()].sort()
  }
}

void t.test(
  'A change of one Service among thousands writes its own chains, trusting the last write or reading it',
  async t => {
    for (const verify of [false, true]) {
      const site = new FamilyUnderTest()
      const portals = new Map(Array.from({ length: 3000 }, (_, n) => [`web-${n}`, programmedFrontend(n, 35_000 + n)]))
      site.family.setDesired(portals)
      await site.family.program(verify)
      t.equal(site.family.pending, false)
      site.family.setDesired(new Map([...portals, ['web-1234', programmedFrontend(1234, 50_000)]]))
      t.equal(site.family.pending, true)
      const { changed } = await site.family.program(verify)
      t.equal(changed, true)
      const text = site.inputs[1]!
      t.match(text, '--to-destination 192.168.50.1:50000')
      const chains = text.split('\n').filter(line => line.startsWith(':'))
      t.ok(chains.length <= 5, chains.join(' '))
      t.equal((await site.family.program(true)).changed, false)
      t.equal(site.inputs.length, 2)
    }
    t.end()
  },
)

void t.test('A chain that others were seen to jump to is not deleted when it is not wanted any more', async t => {
  const site = new FamilyUnderTest()
  site.family.setDesired(new Map(Array.from({ length: 40 }, (_, n) => [`web-${n}`, programmedFrontend(n, 35_000 + n)])))
  await site.family.program(false)
  site.kernel.restore('*nat\n:FOREIGN - [0:0]\n-A FOREIGN -j KUBE-ADDR-10.96.0.0/28\nCOMMIT\n')
  t.equal((await site.family.program(true)).changed, false)
  site.family.setDesired(new Map([['web-1', programmedFrontend(1, 35_001)]]))
  t.equal((await site.family.program(false)).changed, true)
  t.same(site.kernel.chain('nat', 'KUBE-ADDR-10.96.0.0/28'), [])
  t.equal(site.kernel.chain('nat', 'KUBE-ADDR-10.96.0.16/28'), undefined)
  t.end()
})

void t.test('While a write fails, the listeners of the old rules and of the new ones are held', async t => {
  const site = new FamilyUnderTest()
  site.family.setDesired(
    new Map([
      ['a', programmedFrontend(1, 40_001)],
      ['b', programmedFrontend(2, 40_002)],
    ]),
  )
  await site.family.program(false)
  t.same(site.heldListeners, ['web-1', 'web-2'])
  site.failure = new Error('the lock is taken')
  site.family.setDesired(
    new Map([
      ['a', programmedFrontend(1, 41_001, 'web-1#local')],
      ['c', programmedFrontend(3, 40_003)],
    ]),
  )
  await t.rejects(site.family.program(false))
  t.same(site.heldListeners, ['web-1', 'web-1#local', 'web-2', 'web-3'])
  site.family.setDesired(new Map([['d', programmedFrontend(4, 40_004)]]))
  await t.rejects(site.family.program(true))
  t.same(site.heldListeners, ['web-1', 'web-1#local', 'web-2', 'web-3', 'web-4'])
  site.failure = undefined
  await site.family.program(true)
  t.same(site.heldListeners, ['web-4'])
  t.end()
})
