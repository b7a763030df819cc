import t from 'tap'
import { explainPacket } from '../../lib/explain/explain-packet.js'
import { readRequest } from '../../lib/explain/read-request.js'
import { MODES } from '../../lib/modes/registry.js'
import { answerExplain } from '../../lib/status/answer-explain.js'
import { readHappeningQuery } from '../../lib/status/happening-query.js'
import { readStatusQuery, requireNamed } from '../../lib/status/status-query.js'
import { type StatusSources } from '../../lib/status/status-sources.js'
import { explainedState } from '../support/explain/explain-offline.js'
import { keepsEnglish } from '../support/page/keeps-english.js'
import { sentenceInKorean } from '../support/page/sentence-in-korean.js'
import { givenTexts, writtenTexts } from '../support/page/written-texts.js'

const SOURCES = {
  proxy: {},
  snapshot: () => ({ ports: new Map() }),
  modes: MODES.map(({ name }) => name),
  explain: async ({ from, to, namespace, mode = 'iptables' }: Parameters<StatusSources['explain']>[0]) =>
    Promise.resolve(explainPacket(readRequest({ from, to, namespace }, '1'), explainedState(mode))),
} as unknown as StatusSources

/** Questions about packets that the proxy refuses. */
const WRONG_PACKETS = [
  ...[
    '',
    'from=node',
    'from=x&to=web:80',
    'from=podd&to=web:80',
    'from=node&to=',
    'from=node&to=a b',
    `from=node&to=${'x'.repeat(1000)}`,
  ],
  ...['from=node&to=wep:80', 'from=node&to=other:80', 'from=node&to=dns:53', 'from=node&to=headless:80'],
  ...['from=node&to=web:htp', 'from=node&to=web:81', 'from=node&to=web:80/udp', 'from=node&to=kube-system/dns'],
  ...['from=pod/fd00::1&to=10.96.0.10:80', 'from=outside&to=127.0.0.1:80', 'from=node/10.1.1.1&to=10.96.0.10:80'],
  ...['from=outside/192.168.50.1&to=10.96.0.10:80', 'from=node&to=[fd00::1]:80', 'from=pod&to=[fd00::1]:80'],
  ...['from=node&to=web:80&mode=ipv', 'from=node&to=web:80&mode=nothing', 'form=node&to=web:80', 'from=node&too=x'],
]
const SERVICES = [
  { namespace: 'default', name: 'web' },
  { namespace: 'kube-system', name: 'dns' },
]
/** Texts that the page shows as they are given here, and what takes them. */
const GIVEN: readonly (readonly [file: string, taker: RegExp])[] = [
  ['lib/demo-page/demo-responder.ts', /RefusedRun|sendError|sendNoAnswer/],
  ['lib/demo-page/run-demo-page.ts', /howToSignIn/],
  ['lib/status/dashboard/dashboard-server.ts', /sendError|withToken/],
  ['lib/status/dashboard/foreign-request.ts', /return/],
  ['lib/status/status-responder.ts', /sendError/],
  ['lib/observe/health-watch.ts', /RULES_PROBLEM/],
  ['lib/control/source-health.ts', /text/],
  ['lib/workers/workers.ts', /^text$|DESCRIPTIONS/],
  ['lib/dataplane/listener-clients.ts', /turnAway/],
  ['lib/dataplane/tcp/tcp-proxy.ts', /noteRefusal/],
  ['lib/dataplane/tcp/dial-attempt.ts', /Error/],
  ['lib/dataplane/udp/udp-proxy.ts', /#refuse|note$/],
]

function untranslated(sentences: Iterable<string>): readonly string[] {
  return [...new Set(sentences)].filter(sentence => {
    const korean = sentenceInKorean(sentence)
    return korean === undefined || keepsEnglish(korean)
  })
}

function refusalOf(ask: () => unknown): string {
  try {
    ask()
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('The question was not refused')
}

t.test('the Korean page has why a question about a packet is refused', async t => {
  const refusals = await Promise.all(
    WRONG_PACKETS.map(async question =>
      answerExplain(SOURCES, new URLSearchParams(question)).then(
        () => `${question} was answered`,
        (error: unknown) => (error as Error).message,
      ),
    ),
  )
  t.strictSame(untranslated(refusals), [])
  const all = refusals.join('\n')
  for (const file of ['lib/status/answer-explain.ts', 'lib/explain/read-request.ts'])
    t.strictSame(
      writtenTexts(file).filter(text => !all.includes(text)),
      [],
      `${file}: the questions show each of its refusals`,
    )
})

t.test('the Korean page has why a list of Services is refused', t => {
  const query = (text: string) => readStatusQuery(new URLSearchParams(text))
  const happenings = (text: string) => readHappeningQuery(new URLSearchParams(text), SOURCES)
  const refusals = [
    ...['servce=web', 'other=1', 'limit=x'].map(text => refusalOf(() => query(text))),
    ...['client=x', 'pod=x', 'failures=x'].map(text => refusalOf(() => happenings(text))),
    ...['service=wep', 'service=zzzzzz', 'service=wep&namespace=default', 'service=web&namespace=kube'].map(text =>
      refusalOf(() => requireNamed(query(text), SERVICES)),
    ),
    ...requireNamed(query('namespace=kube-systm'), SERVICES),
    ...requireNamed(query(''), []),
  ]
  t.strictSame(untranslated(refusals), [])
  t.end()
})

t.test('the Korean page has what the proxy and the demo say of requests, of their health and of clients', t => {
  for (const [file, taker] of GIVEN) {
    const texts = givenTexts(file, taker)
    t.not(texts.length, 0, file)
    t.strictSame(untranslated(texts), [], file)
  }
  t.end()
})

t.test('the Korean page has the addresses that listeners serve, and why an address is not served', t => {
  const known = explainedState('userspace').known!
  const names = known.frontends.map(({ name }) => name)
  const reasons = known.unserved.map(({ why }) => why)
  t.ok(names.length > 8 && reasons.length > 0, `${names.length} addresses, ${reasons.length} not served`)
  t.strictSame(untranslated([...names, ...reasons]), [])
  t.end()
})
