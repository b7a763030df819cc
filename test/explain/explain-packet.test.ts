import t from 'tap'
import { type ExplainedState } from '../../lib/explain/explained-state.js'
import { type Explanation } from '../../lib/explain/explanation.js'
import { parseRuleTables } from '../../lib/netfilter/rule-tables.js'
import { explainOffline as explain } from '../support/explain/explain-offline.js'

/** The ends of a packet as text: `10.244.0.5:8080 sees 10.244.0.2, 33%`. */
function endsOf({ ways }: Explanation): string[] {
  return ways.map(({ end, endpoint, sourceSeen, odds }) =>
    end === 'endpoint' ? `${endpoint} sees ${sourceSeen}, ${Math.round(100 * odds)}%` : end,
  )
}

t.test('each mode brings packets of each client to the same endpoints, and says what these see', t => {
  const table: readonly (readonly [
    from: string,
    to: string,
    kernel: readonly string[],
    userspace: readonly string[],
  ])[] = [
    [
      'pod/10.244.0.2',
      'web:80',
      ['10.244.0.5:8080 sees 10.244.0.2, 50%', '10.244.1.7:8080 sees 10.244.0.2, 50%'],
      ['10.244.0.5:8080 sees 10.244.0.1, 50%', '10.244.1.7:8080 sees 192.168.50.1, 50%'],
    ],
    [
      'pod/10.244.0.5',
      'sticky',
      ['10.244.0.5:8080 sees 10.244.0.1, 50%', '10.244.0.6:8080 sees 10.244.0.5, 50%'],
      ['10.244.0.5:8080 sees 10.244.0.1, 50%', '10.244.0.6:8080 sees 10.244.0.1, 50%'],
    ],
    [
      'outside',
      '192.168.50.1:30080',
      ['10.244.0.5:8080 sees 192.0.2.99, 100%'],
      ['10.244.0.5:8080 sees 10.244.0.1, 100%'],
    ],
    [
      'outside/192.0.2.7',
      'web',
      ['10.244.0.5:8080 sees 10.244.0.1, 50%', '10.244.1.7:8080 sees 192.168.50.1, 50%'],
      ['10.244.0.5:8080 sees 10.244.0.1, 50%', '10.244.1.7:8080 sees 192.168.50.1, 50%'],
    ],
    [
      'pod/10.244.0.2',
      'kube-system/dns:53/udp',
      ['10.244.0.9:5353 sees 10.244.0.2, 100%'],
      ['10.244.0.9:5353 sees 10.244.0.1, 100%'],
    ],
    ['outside', '203.0.113.8:80', ['dropped'], ['dropped']],
    [
      'outside/198.51.100.1',
      '203.0.113.8:80',
      ['10.244.0.5:8080 sees 10.244.0.1, 100%'],
      ['10.244.0.5:8080 sees 10.244.0.1, 100%'],
    ],
    ['pod/10.244.0.2', 'empty', ['refused'], ['refused']],
    ['pod/10.244.0.2', '192.0.2.1:80', ['elsewhere'], ['elsewhere']],
    ['node', '192.168.50.1:22', ['node'], ['node']],
    // In userspace mode the node would be the client of what its firewall keeps to itself.
    ['pod/10.244.0.2', 'host', ['192.168.50.1:6443 sees 10.244.0.2, 100%'], ['refused']],
  ]
  for (const [from, to, kernel, userspace] of table)
    for (const [mode, expected] of [
      ['iptables', kernel],
      ['ipvs', kernel],
      ['userspace', userspace],
    ] as const)
      t.same(endsOf(explain(mode, from, to)), expected, `${mode}: ${from} to ${to}`)
  t.end()
})

t.test('the interface of the sender shows that it is a Pod, where the node recognises Pods by interfaces', t => {
  const table: readonly (readonly [flags: Readonly<Record<string, string>>, traffic: string])[] = [
    [{ 'detect-local-mode': 'BridgeInterface', 'pod-bridge-interface': 'cni0' }, 'cluster'],
    [{ 'detect-local-mode': 'BridgeInterface', 'pod-bridge-interface': 'cni' }, 'local'],
    [{ 'detect-local-mode': 'InterfaceNamePrefix', 'pod-interface-name-prefix': 'cni' }, 'cluster'],
    [{ 'detect-local-mode': 'InterfaceNamePrefix', 'pod-interface-name-prefix': 'veth' }, 'local'],
  ]
  for (const [flags, traffic] of table)
    t.equal(
      explain('iptables', 'pod/10.244.0.2', '192.168.50.1:30080', flags).service?.traffic,
      traffic,
      JSON.stringify(flags),
    )
  t.end()
})

t.test('every endpoint has the reason why it is a candidate or not', t => {
  const { service: web } = explain('iptables', 'outside', '192.168.50.1:30080')
  t.match(web, { name: 'default/web:http', addressKind: 'node port', traffic: 'local', affinitySeconds: null })
  t.match(web!.policy, /externalTrafficPolicy is Local/)
  t.same(
    web!.candidates.map(({ address, isUsed, reason, odds }) => [address, isUsed, reason, odds]),
    [
      ['10.244.0.5:8080', true, 'ready', 1],
      ['10.244.1.7:8080', false, 'not-on-this-node', 0],
      ['10.244.1.8:8080', false, 'not-on-this-node', 0],
    ],
  )
  const fromPod = explain('iptables', 'pod/10.244.0.2', '192.168.50.1:30080').service!
  t.equal(fromPod.traffic, 'cluster')
  t.match(fromPod.policy, /but not for clients inside the cluster/)
  t.same(
    fromPod.candidates.map(({ reason }) => reason),
    ['ready', 'ready', 'not-ready'],
  )
  t.equal(
    explain('ipvs', 'pod/10.244.0.2', '192.168.50.1:30080').service!.candidates[1]!.reason,
    'not-on-this-node',
    'ipvs mode has one list',
  )
  t.match(explain('userspace', 'pod/10.244.0.2', 'sticky').service, {
    affinitySeconds: 10_800,
    affinity: /ClientIP/,
    balancing: /take turns/,
  })
  t.end()
})

t.test('the steps are the rules that apply, in order, with what they change', t => {
  const { steps, ways, answer } = explain('iptables', 'pod/10.244.0.2', 'web:80')
  t.same(
    steps.map(({ hook, table, chain }) => `${hook} ${table} ${chain}`),
    ['PREROUTING nat PREROUTING', 'PREROUTING nat KUBE-SERVICES'],
  )
  t.match(steps[1], {
    rule: /-A KUBE-SERVICES -d 10\.96\.0\.10\/32/,
    sentence: /TCP packets to 10\.96\.0\.10 port 80/,
    packets: null,
  })
  const dnat = ways[0]!.steps.find(({ after }) => after !== null)
  t.match(dnat, { before: { destination: '10.96.0.10:80' }, after: { destination: '10.244.0.5:8080' } })
  t.match(answer, /10\.244\.0\.5:8080 or 10\.244\.1\.7:8080.*10\.244\.0\.2 as its client/)
  t.match(ways[0]!.wayBack.join(' '), /answers to 10\.244\.0\.2 itself.*source 10\.96\.0\.10:80/)
  const proxied = explain('userspace', 'pod/10.244.0.2', 'web:80').ways[0]!
  t.ok(proxied.steps.some(({ kind }) => kind === 'connection'))
  t.match(proxied.wayBack.join(' '), /kube-proxy writes the answer/)
  t.equal(explain('ipvs', 'node', 'web:80').ways[0]!.steps[0]!.kind, 'virtual-server')
  t.match(explain('iptables', 'pod/10.244.0.2', 'empty').answer, /refused/)
  t.end()
})

t.test('the answer names each end, and says where it depends on rules that cannot be read', t => {
  const answerFor = (...rules: readonly string[]) => {
    const text = `*filter\n:FORWARD ACCEPT [0:0]\n${rules.map(rule => `-A FORWARD ${rule}\n`).join('')}COMMIT\n`
    const known = { rules: new Map([['IPv4' as const, parseRuleTables(text)]]) }
    return explain('iptables', 'pod/10.244.0.2', '10.96.0.10:80', {}, known).answer
  }
  const unread = '-m hashlimit --hashlimit-upto 5/sec --hashlimit-name x'
  const random = '-m statistic --mode random --probability 0.50000000000'
  t.match(answerFor(), /^No rule translates the packet: [^;]+\.$/)
  t.match(
    answerFor(`${unread} -j DROP`),
    /^It depends on rules [^:]+: the packet is dropped, .+; or: no rule translates/,
  )
  t.match(answerFor(`${random} -j DROP`), /^The packet is dropped, .+; or: no rule translates [^;]+\.$/)
  const isRefused = '-j REJECT --reject-with icmp-port-unreachable'
  t.match(answerFor(`${unread} ${isRefused}`, isRefused), /^The connection is refused: [^;]+\.$/, 'one end in any case')
  t.end()
})

t.test('a name that does not exist gets an error that lists what exists', t => {
  const table: readonly (readonly [from: string, to: string, message: RegExp, hint: RegExp])[] = [
    [
      'pod/10.244.0.2',
      'wbe:80',
      /no Service default\/wbe; did you mean default\/web\?/,
      /Known: default\/empty, default\/headless/,
    ],
    ['pod/10.244.0.2', 'dns', /no Service default\/dns; did you mean kube-system\/dns\?/, /./],
    ['pod/10.244.0.2', 'web:htp', /has no port "htp"; did you mean http\?/, /80\/TCP \(http\)/],
    ['pod/10.244.0.2', 'web:81', /has no port "81"/, /80\/TCP/],
    ['pod/10.244.0.2', 'web:80/udp', /has no port "80" of protocol UDP/, /./],
    ['pod/10.244.0.2', 'kube-system/dns', /has several ports/, /53\/UDP \(dns\), 53\/TCP \(dns-tcp\)/],
    ['pod/10.244.0.2', 'headless', /has no address here: it is headless/, /./],
    ['node/10.1.1.1', 'web:80', /is no address of the node/, /192\.168\.50\.1/],
    ['outside/192.168.50.1', 'web:80', /is an address of the node/, /node/],
    ['outside', '127.0.0.1:30080', /is a loopback address/, /node/],
    ['pod/fd00::1', '10.96.0.10:80', /not of the family/, /IPv4/],
    ['outside', '[fd00::1]:80', /no IPv6 rules/, /IPv4/],
  ]
  for (const [from, to, message, hint] of table)
    t.throws(() => explain('iptables', from, to), { code: 'EXPLAIN_INVALID', message, hint }, `${from} to ${to}`)
  t.end()
})

t.test('a Pod that may reach itself gets a note on hairpin mode, unless its state is known or does not matter', t => {
  const notesOf = (mode: string, from: string, to: string, known?: Partial<ExplainedState>) =>
    explain(mode, from, to, {}, known).notes.join()
  t.match(notesOf('iptables', 'pod/10.244.0.5', 'sticky'), /If cni0 is a bridge, 10\.244\.0\.5 reaches itself only if/)
  t.notMatch(notesOf('iptables', 'pod/10.244.0.2', 'sticky'), /hairpin/, 'it is no endpoint')
  t.notMatch(notesOf('iptables', 'pod/10.244.0.5', 'longer'), /hairpin/, 'its address is the beginning of another one')
  t.notMatch(notesOf('iptables', 'node', 'host'), /hairpin/, 'the node is the endpoint')
  t.notMatch(notesOf('userspace', 'pod/10.244.0.5', 'sticky'), /hairpin/, 'the node sends to the Pod')
  for (const canTurnBack of [true, false])
    t.notMatch(notesOf('iptables', 'pod/10.244.0.5', 'sticky', { canTurnBack: () => canTurnBack }), /hairpin/)
  t.end()
})

t.test('notes say what else a reader should know', t => {
  t.match(
    explain('iptables', 'pod/10.244.0.2', '10.96.0.10:81').notes.join(),
    /has no port 81\/TCP at this address; it has 80\/TCP/,
  )
  t.match(explain('iptables', 'pod/10.244.0.2', '10.96.0.53:53').notes.join(), /has UDP too; add \/udp/)
  t.match(explain('iptables', 'pod/10.244.0.2', '10.96.0.53:53/udp').notes.join(), /first datagram/)
  t.equal(explain('iptables', 'pod/10.244.0.2', 'kube-system/dns:53').to.protocol, 'TCP', 'a number of two protocols')
  t.match(explain('iptables', 'outside', 'web').node.assumed.join(), /node address 192\.168\.50\.1.*10\.244\.0\.0\/24/)
  t.end()
})
