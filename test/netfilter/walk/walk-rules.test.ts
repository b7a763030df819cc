import t from 'tap'
import { hostPort } from '../../../lib/model/address.js'
import { parseRuleTables } from '../../../lib/netfilter/rule-tables.js'
import { type PacketPath } from '../../../lib/netfilter/walk/packet-path.js'
import { type NodeFacts, type Packet } from '../../../lib/netfilter/walk/packet-view.js'
import { walkRules } from '../../../lib/netfilter/walk/walk-rules.js'

const NODE = '192.168.50.1'
const SERVICE = '10.96.0.10'

const FACTS: NodeFacts = {
  isOwnAddress: ip => ip === NODE || ip.startsWith('127.'),
  interfaceTo: ip => (ip.startsWith('10.244.0.') ? 'cni0' : 'eth0'),
  addressOf: name => (name === 'cni0' ? '10.244.0.1' : NODE),
  findSet: name => (name === 'KNOWN' ? { type: 'hash:ip,port', entries: new Set([`${SERVICE},tcp:80`]) } : undefined),
  secondsInList: list => (list === 'FRESH' ? 5 : 'never'),
  findVirtualServer: () => undefined,
}
const FROM_POD: Packet = {
  hook: 'PREROUTING',
  protocol: 'TCP',
  source: '10.244.0.2',
  destination: SERVICE,
  port: 80,
  inInterface: 'cni0',
}
const FROM_NODE: Packet = { hook: 'OUTPUT', protocol: 'TCP', source: NODE, destination: SERVICE, port: 80 }

/** A text of `iptables-save` with these lines in each table. */
function save(tables: Readonly<Record<string, readonly string[]>>): string {
  const builtIn: Readonly<Record<string, readonly string[]>> = {
    raw: ['PREROUTING', 'OUTPUT'],
    mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
    nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
    filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  }
  return Object.entries(tables)
    .map(([name, lines]) => {
      const declared = lines.filter(line => line.startsWith(':'))
      const own = new Set(lines.filter(line => line.startsWith('-A ')).map(line => line.split(' ')[1]!))
      const chains = [...builtIn[name]!, ...own].filter(
        (chain, index, all) => all.indexOf(chain) === index && !declared.some(line => line.startsWith(`:${chain} `)),
      )
      const policies = chains.map(chain => `:${chain} ${builtIn[name]!.includes(chain) ? 'ACCEPT' : '-'} [0:0]`)
      const rules = lines.filter(line => !line.startsWith(':'))
      return [`*${name}`, ...declared, ...policies, ...rules, 'COMMIT', ''].join('\n')
    })
    .join('')
}

/** The end of a path as text: `10.244.0.5:8080 from 10.244.0.2 sent 0.33`. */
function pathText({ packet, end, probability, assumptions }: PacketPath): string {
  const chance = probability < 1 ? ` ${probability.toFixed(2)}` : ''
  const assumed = assumptions.map(({ applies }) => ` if ${applies ? 'applies' : 'not'}`).join('')
  const how = end.kind === 'refused' ? `refused with ${end.with}` : end.kind
  return `${hostPort(packet.destination, packet.port)} from ${packet.source} ${how}${chance}${assumed}`
}

function walk(tables: Readonly<Record<string, readonly string[]>>, packet: Packet, facts = FACTS): string[] {
  return walkRules(parseRuleTables(save(tables)), packet, facts).paths.map(pathText)
}

const DNAT = '-j DNAT --to-destination 10.244.0.5:8080'
const UNTOUCHED = `${SERVICE}:80 from 10.244.0.2 sent`
const TRANSLATED = '10.244.0.5:8080 from 10.244.0.2 sent'

void t.test('A packet meets chains, jumps, returns and gotos as in netfilter', t => {
  const table: readonly (readonly [why: string, lines: readonly string[], expected: string])[] = [
    ['without rules it is sent on', [], UNTOUCHED],
    ['a jump leads to a chain', ['-A PREROUTING -j A', `-A A ${DNAT}`], TRANSLATED],
    [
      'after the end of a chain the next rule follows',
      ['-A PREROUTING -j A', '-A A -p udp -j DROP', `-A PREROUTING ${DNAT}`],
      TRANSLATED,
    ],
    [
      'RETURN does the same',
      ['-A PREROUTING -j A', '-A A -j RETURN', `-A A -j DNAT --to-destination 10.0.0.1:1`, `-A PREROUTING ${DNAT}`],
      TRANSLATED,
    ],
    ['RETURN in a built-in chain leaves the table', ['-A PREROUTING -j RETURN', `-A PREROUTING ${DNAT}`], UNTOUCHED],
    [
      'ACCEPT leaves the table from any chain',
      ['-A PREROUTING -j A', '-A A -j ACCEPT', `-A PREROUTING ${DNAT}`],
      UNTOUCHED,
    ],
    [
      'after a goto the chain before is not continued',
      ['-A PREROUTING -g A', '-A A -p udp -j DROP', `-A PREROUTING ${DNAT}`],
      UNTOUCHED,
    ],
    [
      'a goto returns to the caller of its chain',
      ['-A PREROUTING -j A', '-A A -g B', '-A B -p udp -j DROP', `-A A -j DROP`, `-A PREROUTING ${DNAT}`],
      TRANSLATED,
    ],
    ['a rule without a target counts only', ['-A PREROUTING -p tcp', `-A PREROUTING ${DNAT}`], TRANSLATED],
    ['LOG changes no way', ['-A PREROUTING -j LOG --log-prefix "-x "', `-A PREROUTING ${DNAT}`], TRANSLATED],
    [
      'the first translation ends the table',
      [`-A PREROUTING ${DNAT}`, '-A PREROUTING -j DNAT --to-destination 10.0.0.1:1'],
      TRANSLATED,
    ],
  ]
  for (const [why, lines, expected] of table) t.strictSame(walk({ nat: lines }, FROM_POD), [expected], why)
  t.end()
})

void t.test('Each kind of match is answered from the packet and the node', t => {
  const met = [
    '-s 10.244.0.0/24',
    '! -s 10.244.1.0/24',
    '-d 10.96.0.10/32',
    '-i cni0',
    '-i cni+',
    '! -i eth0',
    '-p tcp',
    '! -p udp',
    '-p 6',
    '-p tcp -m tcp --dport 80',
    '-p tcp -m tcp --dport 79:81',
    '-p tcp -m tcp ! --dport 81',
    '-p tcp -m tcp --sport 1024:65535',
    '-p tcp -m multiport --dports 22,80',
    '-p tcp -m multiport --dports 22,70:90',
    '-p tcp -m multiport --ports 80',
    '-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN',
    '-p tcp -m tcp --tcp-flags FIN,RST NONE',
    '-m addrtype ! --dst-type LOCAL',
    '-m addrtype --dst-type UNICAST',
    '-m addrtype ! --src-type LOCAL',
    '-m conntrack --ctstate NEW',
    '-m state --state NEW,ESTABLISHED',
    '-m conntrack ! --ctstate DNAT',
    '-m mark --mark 0x0/0xff',
    '-m conntrack --ctorigdst 10.96.0.10',
    '-m conntrack --ctorigdstport 80',
    '-m set --match-set KNOWN dst,dst',
    '-m iprange --src-range 10.244.0.1-10.244.0.9',
    '-m recent --rcheck --seconds 10 --name FRESH --mask 255.255.255.255 --rsource',
    '-m comment --comment "-j DROP"',
    '-m connmark --mark 0x0',
  ]
  const unmet = [
    '-s 10.244.1.0/24',
    '! -s 10.244.0.0/16',
    '-d 10.96.0.11/32',
    '-i eth0',
    '-p udp',
    '-p icmp',
    '-f',
    '-p tcp -m tcp --dport 81',
    '-p tcp -m tcp --sport 1:1023',
    '-p tcp -m multiport ! --dports 80',
    '-p tcp -m tcp --tcp-flags SYN,ACK SYN,ACK',
    '-m addrtype --dst-type LOCAL',
    '-m addrtype --dst-type MULTICAST',
    '-m conntrack --ctstate ESTABLISHED,RELATED',
    '-m conntrack --ctstate DNAT',
    '-m conntrack --ctstate INVALID',
    '-m mark --mark 0x1/0x1',
    '-m set ! --match-set KNOWN dst,dst',
    '-m set --match-set KNOWN src,src',
    '-m iprange --dst-range 10.0.0.1-10.0.0.9',
    '-m recent --rcheck --seconds 4 --name FRESH --mask 255.255.255.255 --rsource',
    '-m recent --update --seconds 9 --name OTHER --mask 255.255.255.255 --rsource',
  ]
  for (const match of met)
    t.strictSame(walk({ nat: [`-A PREROUTING ${match} ${DNAT}`] }, FROM_POD), [TRANSLATED], match)
  for (const match of unmet)
    t.strictSame(walk({ nat: [`-A PREROUTING ${match} ${DNAT}`] }, FROM_POD), [UNTOUCHED], match)
  t.end()
})

void t.test('The type of an address is local, multicast or unicast', t => {
  const typeOf = (destination: string) =>
    ['LOCAL', 'MULTICAST', 'UNICAST'].filter(type => {
      const rules = {
        filter: [`-A ${destination === NODE ? 'INPUT' : 'FORWARD'} -m addrtype --dst-type ${type} -j DROP`],
      }
      return walk(rules, { ...FROM_POD, destination })[0]!.endsWith('dropped')
    })
  t.strictSame(typeOf(NODE), ['LOCAL'])
  for (const group of ['224.0.0.251', '239.255.0.1', 'ff02::fb']) t.strictSame(typeOf(group), ['MULTICAST'], group)
  for (const host of ['223.255.255.1', SERVICE, 'fd00::1', 'fe80::1']) t.strictSame(typeOf(host), ['UNICAST'], host)
  t.end()
})

void t.test('Tables and hooks come in their order', t => {
  const dropIn = (table: string, chain: string, packet: Packet, more: Record<string, readonly string[]> = {}) =>
    walk({ ...more, [table]: [`-A ${chain} -j DROP`] }, packet)[0]!.endsWith('dropped')
  const forwarded = [
    ...[
      ['raw', 'PREROUTING'],
      ['mangle', 'PREROUTING'],
      ['mangle', 'FORWARD'],
      ['filter', 'FORWARD'],
      ['mangle', 'POSTROUTING'],
    ],
  ] as const
  for (const [table, chain] of forwarded)
    t.ok(dropIn(table, chain, FROM_POD), `${table} ${chain} sees what is forwarded`)
  for (const [table, chain] of [
    ['filter', 'INPUT'],
    ['mangle', 'INPUT'],
    ['filter', 'OUTPUT'],
  ] as const)
    t.notOk(dropIn(table, chain, FROM_POD), `${table} ${chain} does not`)
  const toNode = { ...FROM_POD, destination: NODE }
  for (const [table, chain] of [
    ['filter', 'INPUT'],
    ['mangle', 'INPUT'],
  ] as const)
    t.ok(dropIn(table, chain, toNode), `${table} ${chain} sees what is for the node`)
  t.notOk(dropIn('filter', 'FORWARD', toNode), 'which is not forwarded')
  for (const [table, chain] of [
    ['raw', 'OUTPUT'],
    ['mangle', 'OUTPUT'],
    ['filter', 'OUTPUT'],
    ['mangle', 'POSTROUTING'],
  ] as const)
    t.ok(dropIn(table, chain, FROM_NODE), `${table} ${chain} sees what the node sends`)
  t.notOk(dropIn('mangle', 'PREROUTING', FROM_NODE), 'PREROUTING does not')
  t.ok(dropIn('filter', 'INPUT', { ...FROM_NODE, destination: NODE }), 'what the node sends to itself comes in again')
  t.strictSame(
    walk({ nat: [`-A PREROUTING ${DNAT}`], filter: ['-A FORWARD -d 10.244.0.5/32 -j DROP'] }, FROM_POD),
    ['10.244.0.5:8080 from 10.244.0.2 dropped'],
    'the filter sees the translated destination',
  )
  t.strictSame(
    walk({ filter: [':FORWARD DROP [0:0]'] }, FROM_POD),
    [`${SERVICE}:80 from 10.244.0.2 dropped`],
    'a policy decides',
  )
  const reject = '-A FORWARD -p tcp -j REJECT --reject-with tcp-reset'
  t.strictSame(walk({ filter: [reject] }, FROM_POD), [`${SERVICE}:80 from 10.244.0.2 refused with tcp-reset`])
  t.end()
})

void t.test('Translations change what later rules see', t => {
  const masquerade = '-A POSTROUTING -j MASQUERADE --random-fully'
  t.strictSame(
    walk({ nat: [`-A PREROUTING ${DNAT}`, masquerade] }, FROM_POD),
    ['10.244.0.5:8080 from 10.244.0.1 sent'],
    'the interface decides about the source',
  )
  t.strictSame(walk({ nat: [`-A PREROUTING -j DNAT --to-destination 10.0.0.7`, masquerade] }, FROM_POD), [
    '10.0.0.7:80 from 192.168.50.1 sent',
  ])
  t.strictSame(walk({ nat: ['-A POSTROUTING -j SNAT --to-source 192.0.2.1'] }, FROM_POD), [
    `${SERVICE}:80 from 192.0.2.1 sent`,
  ])
  t.strictSame(
    walk({ nat: ['-A PREROUTING -p tcp -j REDIRECT --to-ports 40000'] }, FROM_POD),
    ['10.244.0.1:40000 from 10.244.0.2 sent'],
    'FACTS do not own the bridge',
  )
  t.strictSame(walk({ nat: ['-A OUTPUT -p tcp -j REDIRECT --to-ports 40000'] }, FROM_NODE), [
    '127.0.0.1:40000 from 192.168.50.1 delivered',
  ])
  const filter = ['-A INPUT -m conntrack --ctstate DNAT -j ACCEPT', '-A INPUT -j DROP']
  const toListener = (address: string) => [`-A PREROUTING -p tcp -j DNAT --to-destination ${address}`]
  t.strictSame(walk({ nat: toListener(`${NODE}:40000`), filter }, FROM_POD), [
    `${NODE}:40000 from 10.244.0.2 delivered`,
  ])
  const same = { ...FROM_POD, destination: NODE, port: 30080 }
  t.strictSame(
    walk({ nat: toListener(`${NODE}:30080`), filter }, same),
    [`${NODE}:30080 from 10.244.0.2 dropped`],
    'a translation that changes nothing is none',
  )
  t.strictSame(
    walk(
      {
        raw: ['-A PREROUTING -j CT --notrack'],
        nat: [`-A PREROUTING ${DNAT}`],
        filter: ['-A FORWARD -m conntrack --ctstate UNTRACKED -j DROP'],
      },
      FROM_POD,
    ),
    [`${SERVICE}:80 from 10.244.0.2 dropped`],
    'what is not tracked is not translated',
  )
  const six: Packet = { ...FROM_POD, source: 'fd00:244::2', destination: 'fd00:96::a' }
  t.strictSame(
    walk({ nat: ['-A PREROUTING -d fd00:96::a/128 -p tcp -j DNAT --to-destination [fd00:244::5]:8080'] }, six),
    ['[fd00:244::5]:8080 from fd00:244::2 sent'],
  )
  t.end()
})

void t.test('Marks are kept from rule to rule, table to table', t => {
  const isMarked = ['-A FORWARD -m mark --mark 0x4000/0x4000 -j DROP']
  const dropped = [`${SERVICE}:80 from 10.244.0.2 dropped`]
  t.strictSame(walk({ nat: ['-A PREROUTING -j MARK --set-xmark 0x4000/0x4000'], filter: isMarked }, FROM_POD), dropped)
  const toggled = ['-A PREROUTING -j MARK --set-xmark 0x4000/0x4000', '-A PREROUTING -j MARK --set-xmark 0x4000/0x0']
  t.strictSame(walk({ nat: toggled, filter: isMarked }, FROM_POD), [UNTOUCHED], 'toggled back')
  const saved = [
    '-A PREROUTING -j MARK --set-xmark 0x4000/0xffffffff',
    '-A PREROUTING -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff',
    '-A PREROUTING -j MARK --set-xmark 0x0/0xffffffff',
  ]
  t.strictSame(walk({ mangle: saved, filter: isMarked }, FROM_POD), [UNTOUCHED])
  const restored = ['-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff']
  t.strictSame(
    walk({ mangle: saved, nat: restored, filter: isMarked }, FROM_POD),
    dropped,
    'restored from the connection',
  )
  t.end()
})

void t.test('A random choice is followed every way, with its probability', t => {
  const pick = (chance: string, n: number) => `-A PREROUTING ${chance} -j DNAT --to-destination 10.244.0.${n}:8080`
  const random = (probability: string) => `-m statistic --mode random --probability ${probability}`
  t.strictSame(
    walk({ nat: [pick(random('0.33333333349'), 5), pick(random('0.50000000000'), 6), pick('', 7)] }, FROM_POD),
    [5, 6, 7].map(n => `10.244.0.${n}:8080 from 10.244.0.2 sent 0.33`),
  )
  t.strictSame(walk({ nat: [pick('-m statistic --mode nth --every 4 --packet 0', 5), pick('', 6)] }, FROM_POD), [
    '10.244.0.5:8080 from 10.244.0.2 sent 0.25',
    '10.244.0.6:8080 from 10.244.0.2 sent 0.75',
  ])
  const many = Array.from(
    { length: 1000 },
    (_, n) =>
      `-A PREROUTING ${n < 999 ? random((1 / (1000 - n)).toFixed(11)) : ''} -j DNAT --to-destination 10.244.${n >> 8}.${n & 255}:8080`,
  )
  const { paths } = walkRules(parseRuleTables(save({ nat: many })), FROM_POD, FACTS)
  t.equal(paths.length, 1000)
  t.ok(
    paths.every(({ probability }) => Math.abs(probability - 0.001) < 1e-6),
    'each as likely as the others',
  )
  t.end()
})

void t.test('What cannot be read is named, and followed both ways', t => {
  const ipp = '-A FORWARD -m hashlimit --hashlimit-upto 5/sec --hashlimit-name x -j DROP'
  const { paths } = walkRules(parseRuleTables(save({ filter: [ipp] })), FROM_POD, FACTS)
  t.strictSame(paths.map(pathText), [`${SERVICE}:80 from 10.244.0.2 dropped if applies`, `${UNTOUCHED} if not`])
  t.match(paths[0]!.assumptions[0], {
    unreadable: '-m hashlimit --hashlimit-upto 5/sec --hashlimit-name x',
    table: 'filter',
    chain: 'FORWARD',
    position: 1,
  })
  t.strictSame(
    walk({ filter: ['-A FORWARD -p udp -m hashlimit --hashlimit-upto 5/sec -j DROP'] }, FROM_POD),
    [UNTOUCHED],
    'another match decides',
  )
  t.strictSame(
    walk({ filter: ['-A FORWARD -m limit --limit 5/min -j LOG'] }, FROM_POD),
    [UNTOUCHED],
    'it does not matter',
  )
  t.strictSame(
    walk({ filter: ['-A FORWARD -m set --match-set OTHER src -j DROP'] }, FROM_POD),
    [`${SERVICE}:80 from 10.244.0.2 dropped if applies`, `${UNTOUCHED} if not`],
    'an unknown set',
  )
  t.strictSame(
    walk({ filter: ['-A FORWARD -j NFQUEUE --queue-num 1'] }, FROM_POD),
    [`${SERVICE}:80 from 10.244.0.2 unknown if applies`, `${UNTOUCHED} if not`],
    'a program decides',
  )
  t.strictSame(
    walk({ filter: ['-A FORWARD -j NEWTARGET --x 1'] }, FROM_POD),
    [`${SERVICE}:80 from 10.244.0.2 unknown if applies`, `${UNTOUCHED} if not`],
    'a target of which nothing is known',
  )
  const unclear = Array.from({ length: 40 }, (_, n) => `-A FORWARD -m time --timestart 0${n % 10}:00 -j ACCEPT`)
  const walked = walkRules(parseRuleTables(save({ filter: unclear })), FROM_POD, FACTS)
  t.notOk(walked.isComplete, 'not every way of very many is followed')
  t.ok(walked.paths.length < 1000, `${walked.paths.length} paths`)
  t.strictSame(
    walk({ nat: ['-A PREROUTING -j A', '-A A -j B', '-A B -j A'] }, FROM_POD),
    [`${SERVICE}:80 from 10.244.0.2 unknown`],
    'a loop of chains ends',
  )
  t.end()
})

void t.test('IPVS takes packets behind the filter of INPUT, and before that of OUTPUT', t => {
  const realServers = [
    { address: '10.244.0.5', port: 8080 },
    { address: '10.244.0.6', port: 8080 },
  ]
  const facts = (servers = realServers): NodeFacts => ({
    ...FACTS,
    isOwnAddress: ip => ip === SERVICE || FACTS.isOwnAddress(ip),
    findVirtualServer: (protocol, address, port) =>
      protocol === 'TCP' && address === SERVICE && port === 80 ? { scheduler: 'rr', realServers: servers } : undefined,
  })
  const both = ['10.244.0.5:8080 from 10.244.0.2 sent 0.50', '10.244.0.6:8080 from 10.244.0.2 sent 0.50']
  t.strictSame(walk({ filter: [] }, FROM_POD, facts()), both)
  t.strictSame(walk({ filter: ['-A INPUT -j DROP'] }, FROM_POD, facts()), [`${SERVICE}:80 from 10.244.0.2 dropped`])
  t.match(
    walk({ filter: ['-A OUTPUT -d 10.244.0.5/32 -j DROP'] }, FROM_POD, facts())[0],
    /10\.244\.0\.5:8080 .* dropped/,
    'what IPVS sends passes OUTPUT',
  )
  t.match(
    walk({ filter: ['-A OUTPUT -d 10.96.0.10/32 -j DROP'] }, FROM_NODE, facts())[0],
    /sent/,
    'IPVS has taken it before',
  )
  t.match(walk({ mangle: ['-A OUTPUT -d 10.96.0.10/32 -j DROP'] }, FROM_NODE, facts())[0], /dropped/)
  t.strictSame(walk({ filter: [] }, FROM_POD, facts([])), [
    `${SERVICE}:80 from 10.244.0.2 refused with port-unreachable`,
  ])
  t.end()
})

void t.test('Steps name the rule, and its counter is that of the kernel', t => {
  const tables = parseRuleTables(
    `*nat\n:PREROUTING ACCEPT [7:8]\n:A - [0:0]\n[5:300] -A PREROUTING -d 10.96.0.10/32 -j A\n[3:180] -A A -p tcp ${DNAT}\nCOMMIT\n`,
  )
  const [path] = walkRules(tables, FROM_POD, FACTS).paths
  const steps = path!.steps.filter(step => step.kind === 'rule')
  t.strictSame(
    steps.map(({ hook, table, chain, position, args }) => [hook, table, chain, position, tables.counter(args)]),
    [
      ['PREROUTING', 'nat', 'PREROUTING', 1, { packets: 5, bytes: 300 }],
      ['PREROUTING', 'nat', 'A', 1, { packets: 3, bytes: 180 }],
    ],
  )
  t.equal(tables.policy('nat', 'PREROUTING'), 'ACCEPT')
  t.end()
})
