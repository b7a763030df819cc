import t from 'tap'
import { type Explanation } from '../../lib/explain/explanation.js'
import { ruleSentence } from '../../lib/netfilter/walk/rule-sentence.js'
import { explainOffline, explainedState } from '../support/explain/explain-offline.js'
import { RULE_SENTENCES } from '../support/netfilter/rule-sentences.js'
import { keepsEnglish } from '../support/page/keeps-english.js'
import { sentenceInKorean } from '../support/page/sentence-in-korean.js'

const MODES = ['userspace', 'iptables', 'ipvs']
const SENDERS = ['pod/10.244.0.2', 'pod/10.244.0.5', 'pod/10.244.1.7', 'node', 'outside', 'outside/198.51.100.1']
const DESTINATIONS = [
  ...['web:80', 'kube-system/dns:53/udp', 'kube-system/dns:53/tcp', 'sticky', 'empty', 'ranges', 'host', 'longer'],
  ...['192.168.50.1:30080', '192.168.50.1:22', '203.0.113.8:80', '192.0.2.1:80', '10.96.0.10:81', '10.96.0.53:53'],
]

/** All sentences of an explanation. */
function sentencesOf({ answer, service, steps, ways, notes }: Explanation): readonly string[] {
  return [
    answer,
    ...notes,
    ...(service === null ? [] : [service.policy, service.affinity, service.balancing]),
    ...[...steps, ...ways.flatMap(way => way.steps)].map(({ sentence }) => sentence),
    ...ways.flatMap(({ wayBack, assumptions }) => [...wayBack, ...assumptions]),
  ]
}

function* explanations(): Generator<Explanation> {
  for (const mode of MODES)
    for (const from of SENDERS) for (const to of DESTINATIONS) yield explainOffline(mode, from, to)
}

/** Compares nothing: says which sentences have no Korean, or keep English words outside of quoted text. */
function untranslated(sentences: Iterable<string>): readonly string[] {
  return [...new Set(sentences)].filter(sentence => {
    const korean = sentenceInKorean(sentence)
    return korean === undefined || keepsEnglish(korean)
  })
}

t.test('the Korean page has all that is said of packets, in each mode, for each client and address', t => {
  const sentences = new Set([...explanations()].flatMap(sentencesOf))
  t.ok(sentences.size > 150, `${sentences.size} sentences`)
  t.strictSame(untranslated(sentences), [])
  t.end()
})

t.test('the Korean page has what a rule of each kind does', t => {
  const planned = MODES.flatMap(mode =>
    [...explainedState(mode).rules.values()].flatMap(({ tables }) =>
      [...tables.values()].flatMap(chains =>
        [...chains.values()].flatMap(rules => rules.map(rule => ruleSentence(rule))),
      ),
    ),
  )
  t.ok(planned.length > 150, `${planned.length} rules`)
  t.strictSame(untranslated([...planned, ...RULE_SENTENCES.values()]), [])
  t.end()
})

t.test('a rule is said with its conditions before the packets, and its action at the end', t => {
  for (const [english, korean] of [
    ['All packets go to chain KUBE-SERVICES.', '모든 패킷은 체인 KUBE-SERVICES(으)로 간다.'],
    [
      'TCP packets from outside 10.244.0.0/16, to 10.96.0.10 port 80 go to chain KUBE-MARK-MASQ.',
      '10.244.0.0/16 밖에서 온 10.96.0.10의 80번 포트로 가는 TCP 패킷은 체인 KUBE-MARK-MASQ(으)로 간다.',
    ],
    [
      'At random, 1 in 3 of the packets go to chain KUBE-SEP-X.',
      '패킷은 무작위로 3개 중 1개가 체인 KUBE-SEP-X(으)로 간다.',
    ],
    ['Packets without mark 0x4000 go back to the chain before.', '마크가 0x4000이 아닌 패킷은 앞의 체인으로 돌아간다.'],
    ['TCP packets get the destination [fd00::5]:8080 (DNAT).', 'TCP 패킷은 목적지가 [fd00::5]:8080으로 바뀐다 (DNAT).'],
  ] as const)
    t.equal(sentenceInKorean(english), korean)
  t.end()
})

t.test('a particle follows what is read before it; after a name in Latin letters, both forms stay', t => {
  for (const [english, korean] of [
    ['kube-proxy opens its own connection to 10.244.0.7:8081.', 'kube-proxy가 10.244.0.7:8081로 자기 연결을 연다.'],
    ['kube-proxy opens its own flow to 10.244.0.7:53.', 'kube-proxy가 10.244.0.7:53으로 자기 플로를 연다.'],
    ['kube-proxy opens its own flow to 10.244.0.7:54.', 'kube-proxy가 10.244.0.7:54로 자기 플로를 연다.'],
    ['TCP packets go to target TEE.', 'TCP 패킷은 타깃 TEE(으)로 간다.'],
  ] as const)
    t.equal(sentenceInKorean(english), korean)
  t.end()
})

t.test('a sentence that the page does not know stays as it is', t => {
  for (const text of ['', 'Anything else.', 'The packet of a Pod goes nowhere.', 'All is well'])
    t.equal(sentenceInKorean(text), undefined, text)
  t.end()
})
