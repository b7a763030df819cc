import { readdirSync } from 'node:fs'
import t from 'tap'
import { CHECKS } from '../../lib/doctor/checks.js'
import { diagnose } from '../../lib/doctor/diagnose.js'
import { type DoctorReport } from '../../lib/doctor/doctor-report.js'
import { doctorCases } from '../support/doctor/doctor-cases.js'
import { sentenceInKorean } from '../support/page/sentence-in-korean.js'
import { writtenTexts } from '../support/page/written-texts.js'
import { keepsEnglish } from '../support/page/keeps-english.js'

const FOLDER = 'lib/doctor/checks'
/** Other files whose texts are part of a report. */
const OTHER_FILES = [
  'diagnose',
  'walk-text',
  'rule-proof',
  'first-of',
  'port-text',
  'ask-dns',
  'read-file-objects',
].map(name => `lib/doctor/${name}.ts`)
/** A line that is only a command, the same in every language. */
const COMMAND = /^(kubectl|curl|sysctl|ip|ip6tables|iptables|conntrack|nslookup|kube-proxy) /

/** Every text of a report that the page shows. */
function textsOf({ summary, findings, remarks, fine, unseen }: DoctorReport): readonly string[] {
  return [
    summary,
    ...findings.flatMap(({ verdict, proof, fix }) => [verdict, ...proof, ...fix]),
    ...[...remarks, ...fine, ...unseen].map(({ text }) => text),
  ]
}

const said = new Set(doctorCases().flatMap(facts => textsOf(diagnose(facts, '1'))))
const all = [...said, ...CHECKS.map(({ title }) => title)].join('\n')

t.test('the cases make the doctor say everything that its checks can say', t => {
  for (const file of [...readdirSync(FOLDER).map(name => `${FOLDER}/${name}`), ...OTHER_FILES])
    t.strictSame(
      writtenTexts(file).filter(text => !all.includes(text)),
      [],
      file,
    )
  t.end()
})

t.test('the Korean page has everything that the doctor can say', t => {
  const sentences = [...said].filter(text => !COMMAND.test(text))
  t.ok(sentences.length > 250, `${sentences.length} sentences`)
  t.strictSame(
    sentences.filter(sentence => {
      const korean = sentenceInKorean(sentence)
      return korean === undefined || keepsEnglish(korean)
    }),
    [],
  )
  t.end()
})

t.test('a finding is said in Korean with its values, and a command stays as it is', t => {
  for (const [english, korean] of [
    [
      'Service default/web: The selector app=web matches no Pod in namespace default',
      '서비스 default/web: 네임스페이스 default에는 셀렉터 app=web에 맞는 파드가 없다',
    ],
    [
      'a packet of Pod 10.244.0.9 of this node to 10.96.0.10:80 is dropped',
      '이 노드의 파드 10.244.0.9에서 10.96.0.10:80으로 가는 패킷이 버려진다',
    ],
    [
      'that means: All packets are dropped: the sender gets no answer; it has counted 7 packets',
      '뜻: 모든 패킷은 버려진다: 보낸 쪽은 답을 받지 못한다. (지금까지 맞은 패킷 7개)',
    ],
    [
      'The proxy does not serve cluster IP 10.96.0.1:80, cluster IP 10.96.0.2:80, and 4 more',
      '프록시가 클러스터 IP 10.96.0.1:80, 클러스터 IP 10.96.0.2:80, 그 밖에 4개를 처리하지 않는다',
    ],
    ['kubectl get services -A', undefined],
  ] as const)
    t.equal(sentenceInKorean(english), korean)
  t.end()
})
