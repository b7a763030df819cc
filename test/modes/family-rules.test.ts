import t from 'tap'
import { type ListenerSpec } from '../../lib/dataplane/listener-plan.js'
import { FamilyRules, type HeldPortal } from '../../lib/modes/userspace/family-rules.js'
import { portalsOf } from '../../lib/modes/portals.js'
import { parseSaveText } from '../../lib/rules/found-rules.js'
import { KernelRules } from '../support/kernel-rules.js'
import { servicePortOf } from '../support/service-port-of.js'

const NODE = '192.168.50.1'

/** The cluster IP of `web-N`, led to a listener. */
function held(n: number, proxyPort: number, key = `web-${n}`): HeldPortal {
  const servicePort = servicePortOf({ name: `web-${n}`, clusterIP: `10.96.${n >> 8}.${n & 255}` })
  const [portal] = portalsOf({ servicePort, endpoints: [], usable: { cluster: [], local: [], hasAny: false } })
  const target = { address: NODE, port: proxyPort }
  const spec = { key, address: NODE, port: proxyPort } as ListenerSpec
  return {
    led: { portal: portal!, fromNode: target, fromPods: target, fromElsewhere: target },
    specs: [spec],
    ports: [proxyPort],
    proxyPorts: [{ protocol: 'TCP', address: NODE, port: proxyPort, clients: undefined }],
    says: String(proxyPort),
  }
}

/** Rules of a family over a kernel in memory. */
class Site {
  readonly kernel = new KernelRules()
  readonly texts: string[] = []
  failure: Error | undefined
  readonly rules: FamilyRules

  constructor() {
    this.rules = new FamilyRules({
      iptables: {
        family: 'IPv4',
        read: () => Promise.resolve(parseSaveText(this.kernel.save())),
        chainsAtOnce: Infinity,
        readChain: () => Promise.resolve('unknown'),
        restore: text => {
          if (this.failure !== undefined) return Promise.reject(this.failure)
          this.texts.push(text)
          this.kernel.restore(text)
          return Promise.resolve()
        },
      },
      surroundings: () => ({ fromPods: [], nodePortAddresses: undefined }),
      conntrack: { listUdp: () => Promise.resolve([]), delete: () => Promise.resolve() },
      nodeAddresses: () => [],
      log: { enabled: () => false, info: () => undefined, warn: () => undefined, error: () => undefined },
    })
  }

  get held(): string[] {
    return [...this.rules.held.keys()].sort()
  }
}

void t.test(
  'A change of one Service among thousands writes its own chains, trusting the last write or reading it',
  async t => {
    for (const verify of [false, true]) {
      const site = new Site()
      const portals = new Map(Array.from({ length: 3000 }, (_, n) => [`web-${n}`, held(n, 35_000 + n)]))
      site.rules.want(portals)
      await site.rules.program(verify)
      t.equal(site.rules.pending, false)
      site.rules.want(new Map([...portals, ['web-1234', held(1234, 50_000)]]))
      t.equal(site.rules.pending, true)
      const { changed } = await site.rules.program(verify)
      t.equal(changed, true)
      const text = site.texts[1]!
      t.match(text, '--to-destination 192.168.50.1:50000')
      const chains = text.split('\n').filter(line => line.startsWith(':'))
      t.ok(chains.length <= 5, chains.join(' '))
      t.equal((await site.rules.program(true)).changed, false)
      t.equal(site.texts.length, 2)
    }
    t.end()
  },
)

void t.test('A chain that others were seen to jump to is not deleted when it is not wanted any more', async t => {
  const site = new Site()
  site.rules.want(new Map(Array.from({ length: 40 }, (_, n) => [`web-${n}`, held(n, 35_000 + n)])))
  await site.rules.program(false)
  site.kernel.restore('*nat\n:FOREIGN - [0:0]\n-A FOREIGN -j KUBE-ADDR-10.96.0.0/28\nCOMMIT\n')
  t.equal((await site.rules.program(true)).changed, false)
  site.rules.want(new Map([['web-1', held(1, 35_001)]]))
  t.equal((await site.rules.program(false)).changed, true)
  t.same(site.kernel.chain('nat', 'KUBE-ADDR-10.96.0.0/28'), [])
  t.equal(site.kernel.chain('nat', 'KUBE-ADDR-10.96.0.16/28'), undefined)
  t.end()
})

void t.test('While a write fails, the listeners of the old rules and of the new ones are held', async t => {
  const site = new Site()
  site.rules.want(
    new Map([
      ['a', held(1, 40_001)],
      ['b', held(2, 40_002)],
    ]),
  )
  await site.rules.program(false)
  t.same(site.held, ['web-1', 'web-2'])
  site.failure = new Error('the lock is taken')
  site.rules.want(
    new Map([
      ['a', held(1, 41_001, 'web-1#local')],
      ['c', held(3, 40_003)],
    ]),
  )
  await t.rejects(site.rules.program(false))
  t.same(site.held, ['web-1', 'web-1#local', 'web-2', 'web-3'])
  site.rules.want(new Map([['d', held(4, 40_004)]]))
  await t.rejects(site.rules.program(true))
  t.same(site.held, ['web-1', 'web-1#local', 'web-2', 'web-3', 'web-4'])
  site.failure = undefined
  await site.rules.program(true)
  t.same(site.held, ['web-4'])
  t.end()
})
