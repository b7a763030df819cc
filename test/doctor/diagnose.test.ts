import t from 'tap'
import { CHECKS } from '../../lib/doctor/checks.js'
import { diagnose } from '../../lib/doctor/diagnose.js'
import { type FoundRule } from '../../lib/doctor/kernel-facts.js'
import { seen, unseen } from '../../lib/doctor/seen.js'
import { endpointVerdict } from '../../lib/snapshot/endpoint-verdict.js'
import { OVERVIEW, makeEndpointView, makeFacts, makeServiceView, makeWalk } from '../support/doctor/make-facts.js'

const NONE = { all: 0, cluster: 0, local: 0 }
const RULE: FoundRule = {
  ...{ table: 'filter', chain: 'FORWARD', position: 1, rule: '-A FORWARD -j DROP', packets: 7 },
  isForAll: true,
  sentence: 'All packets are dropped.',
}
const dropped = (isOwn: boolean) => ({ kind: 'stopped', how: 'dropped', isOwn, rule: RULE }) as const
const codesOf = (facts: Parameters<typeof diagnose>[0]): string[] =>
  diagnose(facts, '1').findings.map(({ code }) => code)
const remarksOf = (facts: Parameters<typeof diagnose>[0]): string[] => {
  const { findings, remarks } = diagnose(facts, '1')
  return [...findings.map(({ code }) => `finding ${code}`), ...remarks.map(({ code }) => code)]
}

t.test('a Service of which all is known and fine is healthy', t => {
  const report = diagnose(makeFacts(), '1')
  t.match(report, {
    verdict: 'healthy',
    summary: 'Service default/web is healthy, as seen from this node',
    findings: [],
  })
  t.ok(report.fine.length > 8, 'it says what it has looked at')
  t.end()
})

t.test('what could not be looked at is no fault, and no health either where it matters', t => {
  t.equal(diagnose(makeFacts({ kernel: undefined }), '1').verdict, 'unknown')
  t.equal(diagnose(makeFacts({ proxy: undefined, ports: [], endpoints: [] }), '1').verdict, 'unknown')
  t.equal(diagnose(makeFacts({ wantsObjects: true }), '1').verdict, 'unknown', 'an API server that does not answer')
  const few = makeFacts({ dns: unseen('no DNS'), conntrack: unseen('no conntrack'), probes: [] })
  t.equal(diagnose(few, '1').verdict, 'healthy')
  t.end()
})

t.test('each code is the finding of one check, in the order of likelihood', t => {
  const codes = CHECKS.map(({ code }) => code)
  t.equal(new Set(codes).size, codes.length)
  const order = [
    ...['no-such-service', 'selector-matches-nothing', 'pods-not-ready', 'port-name-mismatch', 'nothing-listens'],
    ...['policy-local', 'source-ranges', 'no-rule', 'other-rule-first', 'affinity-pins', 'name-not-resolvable'],
    ...['node-port-not-here', 'firewall-drops', 'conntrack-full'],
  ]
  t.same(
    codes.filter(code => order.includes(code)),
    order,
  )
  t.end()
})

t.test('findings that another one explains are left out', t => {
  const unready = makeEndpointView('10.244.0.2:8080', { cluster: endpointVerdict('not-ready') })
  t.same(codesOf(makeFacts({ ports: [makeServiceView({ endpoints: NONE })], endpoints: [unready] })), [
    'pods-not-ready',
  ])
  const silent = { address: '10.244.0.2:8080', outcome: 'failed', code: 'EHOSTUNREACH' } as const
  t.same(codesOf(makeFacts({ probes: [silent] })), ['endpoint-silent'])
  const behindFirewall = makeFacts({
    probes: [silent],
    kernel: { endpointWalks: [{ address: silent.address, outcome: dropped(false) }] },
  })
  t.same(codesOf(behindFirewall), ['firewall-drops'])
  const missing = makeFacts({
    proxy: { missing: 'No Service "web"' },
    ports: [],
    endpoints: [],
    conntrack: seen({ entries: 99, limit: 100 }),
  })
  t.same(codesOf(missing), ['no-such-service'], 'nothing else matters then')
  t.end()
})

t.test('several findings are listed, and the summary has the likeliest', t => {
  const refused = [{ address: '10.244.0.2:8080', outcome: 'refused', code: 'ECONNREFUSED' } as const]
  const report = diagnose(makeFacts({ probes: refused, conntrack: seen({ entries: 99, limit: 100 }) }), '1')
  t.same(
    report.findings.map(({ code }) => code),
    ['nothing-listens', 'conntrack-full'],
  )
  t.match(report.summary, /^Service default\/web: Nothing listens .* \(the likeliest of 2 findings\)$/)
  t.end()
})

t.test('whose rule it is decides what a dropped packet means', t => {
  t.same(codesOf(makeFacts({ kernel: { walks: [makeWalk({ outcome: dropped(false) })] } })), ['firewall-drops'])
  t.same(codesOf(makeFacts({ kernel: { walks: [makeWalk({ outcome: dropped(true) })] } })), ['no-rule'])
  t.same(codesOf(makeFacts({ kernel: { walks: [makeWalk({ outcome: { kind: 'taken', rule: RULE } })] } })), [
    'other-rule-first',
  ])
  t.same(codesOf(makeFacts({ kernel: { walks: [makeWalk({ outcome: { kind: 'untranslated' } })] } })), ['no-rule'])
  const unknown = makeWalk({ outcome: { kind: 'unknown', why: 'only the kernel can answer "-m hashlimit"' } })
  const report = diagnose(makeFacts({ kernel: { walks: [unknown] } }), '1')
  t.same(report.findings, [])
  t.match(report.unseen.map(({ text }) => text).join(), /hashlimit/)
  t.end()
})

t.test('a node port is a finding where it is not served at the main address, but is elsewhere', t => {
  const port = makeServiceView({ nodePort: 30_080 })
  const at = (address: string, isMain: boolean, isServed: boolean) =>
    makeWalk({
      ...{ kind: 'node port', from: 'outside', port: 30_080, address, isMain },
      outcome: isServed ? { kind: 'served', to: ['10.244.0.2:8080'] } : { kind: 'untranslated' },
    })
  const codes = (...walks: ReturnType<typeof makeWalk>[]) => codesOf(makeFacts({ ports: [port], kernel: { walks } }))
  t.same(codes(at('192.168.50.1', true, true), at('10.244.0.1', false, false)), [])
  t.same(codes(at('192.168.50.1', true, false), at('10.244.0.1', false, true)), ['node-port-not-here'])
  t.same(codes(at('192.168.50.1', true, false), at('10.244.0.1', false, false)), ['no-rule'])
  t.end()
})

t.test('session affinity is a remark from 20 connections on, if nine of ten have one address', t => {
  const sticky = makeServiceView({ affinitySeconds: 10_800 })
  const connection = (client: string) => ({ portName: 'http', protocol: 'TCP', client: `${client}:1000` })
  const codes = (counts: Readonly<Record<string, number>>, endpoints?: ReturnType<typeof makeEndpointView>[]) =>
    remarksOf(
      makeFacts({
        ports: [sticky],
        ...(endpoints && { endpoints }),
        kernel: { carriedBy: 'kernel' },
        proxy: {
          overview: { ...OVERVIEW, carriedBy: 'sockets' },
          connections: Object.entries(counts).flatMap(([client, count]) =>
            Array.from({ length: count }, () => connection(client)),
          ) as never,
          affinity: Object.keys(counts).map(client => ({
            ...connection(client),
            client,
            endpoint: '10.244.0.2:8080',
          })) as never,
        },
      }),
    )
  t.same(codes({ '192.168.50.9': 20 }), ['affinity-pins'])
  t.same(codes({ '192.168.50.9': 19 }), [], 'a single client alone')
  t.same(codes({ '192.168.50.9': 27, '192.168.50.8': 3 }), ['affinity-pins'])
  t.same(codes({ '192.168.50.9': 20, '192.168.50.8': 5 }), [])
  t.same(codes({ '192.168.50.9': 50 }, [makeEndpointView('10.244.0.2:8080')]), [], 'there is only one endpoint')
  t.end()
})

t.test('conntrack is full from nine tenths on', t => {
  t.same(codesOf(makeFacts({ conntrack: seen({ entries: 89, limit: 100 }) })), [])
  t.same(codesOf(makeFacts({ conntrack: seen({ entries: 90, limit: 100 }) })), ['conntrack-full'])
  t.end()
})

t.test('the DNS has to know the ClusterIP', t => {
  const dns = (addresses: string[], failure = '') =>
    makeFacts({ dns: seen({ name: 'n', server: 'the cluster DNS 10.96.0.53', addresses, failure, isGuessed: false }) })
  t.same(codesOf(dns(['10.96.0.10'])), [])
  t.same(codesOf(dns(['10.96.0.99'])), ['name-not-resolvable'])
  for (const failure of ['ENOTFOUND', 'ETIMEOUT', 'ENODATA'])
    t.same(codesOf(dns([], failure)), ['name-not-resolvable'], failure)
  t.end()
})

t.test('without a proxy, only a mode whose sockets carry connections fails', t => {
  t.same(codesOf(makeFacts({ proxy: undefined, kernel: { carriedBy: 'sockets' } })), ['proxy-unhealthy'])
  t.same(codesOf(makeFacts({ proxy: undefined })), [])
  t.equal(diagnose(makeFacts({ proxy: undefined }), '1').verdict, 'unknown', 'no program keeps the rules up')
  t.same(codesOf(makeFacts({ proxy: { overview: { ...OVERVIEW, isHealthy: false, problems: ['rules: too old'] } } })), [
    'proxy-unhealthy',
  ])
  t.end()
})
