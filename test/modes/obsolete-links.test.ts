import t, { type Test } from 'tap'
import { NetworkNamespace } from '../../lib/demo/network-namespace.js'
import { type IpFamily } from '../../lib/model/address.js'
import { RuleWriter } from '../../lib/modes/rule-writer.js'
import { chainOwners } from '../../lib/modes/registry.js'
import { IptablesPlanner } from '../../lib/modes/iptables/plan.js'
import { ipvsRules } from '../../lib/modes/ipvs/ipvs-rules.js'
import { SET_NAMES, SET_TYPES, kernelSetName } from '../../lib/modes/ipvs/set-names.js'
import { FrontendRules } from '../../lib/modes/userspace/frontend-rules.js'
import { type RuleSet } from '../../lib/netfilter/rule-set.js'
import { setHeader } from '../../lib/system/ip-set-text.js'
import { IptablesPrograms } from '../../lib/system/iptables.js'
import { RecordingLog } from '../support/log/recording-log.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'

const TRAFFIC = { localMatches: [], nodePortAddresses: undefined }
const SETTINGS = { masqueradeAll: false, masqueradeMark: 0x4000, randomFully: true }

/** A mode with its rules, and rules of chains of the kernel that stood there before. */
interface UpgradeCase {
  readonly mode: string
  readonly build: (family: IpFamily) => RuleSet
  /** By table: jumps that earlier versions, the original kube-proxy or another mode wrote. */
  readonly earlier: Readonly<Record<string, readonly string[]>>
  /** Rules of administrators and other programs. */
  readonly others: Readonly<Record<string, readonly string[]>>
}

const CASES: readonly UpgradeCase[] = [
  {
    mode: 'userspace',
    build: family => new FrontendRules(family).build({ frontends: [], localTraffic: TRAFFIC, proxyPorts: [] }),
    earlier: {
      nat: [
        'PREROUTING -m addrtype --dst-type LOCAL -m comment --comment "handle service NodePorts; NOTE: this must be the last rule in the chain" -j KUBE-NODEPORT-CONTAINER',
      ],
      filter: [
        'INPUT -m comment --comment "proxy ports" -m conntrack --ctstate NEW -j KUBE-PROXY-PORTS',
        'INPUT -m comment --comment "Services whose endpoints are on other nodes only" -j KUBE-PORTALS-DROP',
        'INPUT -p tcp -m comment --comment "segments of no connection" -m tcp --tcp-flags FIN,RST NONE -m conntrack --ctstate INVALID -j KUBE-PROXY-INVALID',
      ],
    },
    others: {
      nat: ['OUTPUT -m comment --comment "lab network" -j KUBE-PORTALS-HOST', 'PREROUTING -i eth9 -j ACCEPT'],
      filter: [
        'INPUT -i eth9 -j KUBE-PROXY-PORTS',
        'INPUT -m comment --comment "proxy ports" -j ACCEPT',
        'FORWARD -m comment --comment "proxy ports" -j OTHER-CHAIN',
      ],
    },
  },
  {
    mode: 'iptables',
    build: family =>
      new IptablesPlanner(family, { ...SETTINGS, dropInvalid: true }).plan({
        ports: [],
        frontends: [],
        localTraffic: TRAFFIC,
        nodeAddress: undefined,
        localhostNodePorts: false,
      }),
    earlier: {
      nat: ['PREROUTING -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES'],
      filter: [
        'FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL',
        'INPUT -m comment --comment "kube-proxy firewall rules" -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL',
        'INPUT -p tcp -m comment --comment "segments of no connection" -m tcp --tcp-flags FIN,RST NONE -m conntrack --ctstate INVALID -j KUBE-PROXY-INVALID',
      ],
    },
    others: {
      nat: ['POSTROUTING -o eth9 -j KUBE-MARK-MASQ', 'PREROUTING -i eth9 -j KUBE-SERVICES'],
      filter: ['INPUT -m comment --comment "kubernetes service portals" -j OTHER-CHAIN', 'FORWARD -j KUBE-FORWARD'],
    },
  },
  {
    mode: 'ipvs',
    build: family => ipvsRules(family, SETTINGS, []),
    earlier: {
      nat: ['OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES'],
      filter: [
        'INPUT -m comment --comment "kubernetes ipvs access filter" -j KUBE-IPVS-FILTER',
        'FORWARD -m comment --comment "kubernetes load balancer firewall" -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL',
      ],
      mangle: ['OUTPUT -m comment --comment "kube-proxy firewall rules" -j KUBE-PROXY-FIREWALL'],
    },
    others: { nat: ['PREROUTING -i eth9 -j KUBE-SERVICES'], filter: ['INPUT -i eth9 -j ACCEPT'] },
  },
]

/** The text that adds rules, with the chains that they jump to. */
function inputOf(...rules: readonly UpgradeCase['earlier'][]): string {
  return ['nat', 'filter', 'mangle']
    .map(table => {
      const lines = rules.flatMap(each => each[table] ?? [])
      const chains = new Set(lines.map(line => line.split(' -j ')[1]!).filter(target => target !== 'ACCEPT'))
      const all = [...[...chains].map(chain => `:${chain} - [0:0]`), ...lines.map(line => `-A ${line}`)]
      return `*${table}\n${all.map(line => `${line}\n`).join('')}COMMIT\n`
    })
    .join('')
}

async function testUpgrade(t: Test, { mode, build, earlier, others }: UpgradeCase, kernel: IptablesPrograms) {
  await kernel.restore(inputOf(earlier, others))
  const tables = [...build(kernel.family).tables.keys()]
  const writer = new RuleWriter(kernel, tables, chainOwners(mode), new RecordingLog())
  await writer.read()
  const rules = build(kernel.family)
  t.equal((await writer.write(rules)).changed, true)
  const text = await readText(kernel, tables)
  for (const line of Object.values(earlier).flat()) t.notOk(text.includes(`${line}\n`), line)
  for (const line of Object.values(others).flat()) t.ok(text.includes(`${line}\n`), line)
  for (const [table, { links }] of rules.tables)
    for (const { chain, rule } of links) {
      const target = rule.target.kind === 'jump' ? rule.target.chain : ''
      const sameTarget = text.split('\n').filter(line => line.startsWith(`${chain} `) && line.endsWith(` -j ${target}`))
      t.ok(sameTarget.length > 0, `${table}: ${chain} jumps to ${target}`)
    }
  await writer.read()
  t.equal((await writer.write(rules)).changed, false, 'and then there is nothing to write')
}

/** All rules, a line for each, without `-A`. */
async function readText(kernel: IptablesPrograms, tables: readonly string[]): Promise<string> {
  const quote = (arg: string): string => (/^[\w./:+@%,!-]+$/.test(arg) ? arg : `"${arg}"`)
  return [...(await kernel.read(tables)).values()]
    .flatMap(table => [...table])
    .flatMap(([chain, ofChain]) => ofChain.map(args => `${chain} ${args.map(quote).join(' ')}\n`))
    .join('')
}

for (const each of CASES)
  for (const backEnd of ['nft', 'legacy'] as const)
    for (const family of ['IPv4', 'IPv6'] as const)
      void t.test(
        `${each.mode} mode replaces links of other versions, and leaves other rules alone (${backEnd}, ${family})`,
        { skip: namespacesUnavailable },
        async t => {
          const namespace = await NetworkNamespace.create(`kpn${process.pid}-${each.mode}-${family}-${backEnd}`)
          t.teardown(() => namespace.delete())
          if (each.mode === 'ipvs') {
            const sets = SET_NAMES.map(name => ({
              name: kernelSetName(name, family),
              type: SET_TYPES[name],
              family,
              entries: new Set<string>(),
            }))
            const input = sets.map(set => `create ${set.name} ${setHeader(set)}\n`).join('')
            const { exitCode, stderr } = await namespace.run('ipset', ['restore'], { input })
            if (exitCode !== 0) throw new Error(stderr)
          }
          await testUpgrade(t, each, new IptablesPrograms(family, backEnd, (...call) => namespace.run(...call)))
        },
      )
