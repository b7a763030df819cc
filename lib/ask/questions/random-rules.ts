import { CURL, type Question } from '../question.js'
import { findServiceChain } from '../find-service-chain.js'
import { readChain } from '../read-chain.js'
import { requestsByPod, sumOf } from '../requests-by-pod.js'

const REQUESTS = 60

export const randomRules: Question = {
  number: 5,
  title: {
    en: 'What do --probability 0.333, then 0.5, then nothing mean?',
    ko: '--probability 0.333, 그다음 0.5, 그다음 아무것도 없는 것은 무슨 뜻인가?',
  },
  asked: [],
  words: ['random', 'statistic', 'odds', 'iptables', 'KUBE-SVC', '확률', '무작위'],
  programs: CURL,
  async run({ lab, show }) {
    show(await lab.setMode('iptables'), {
      en: 'In iptables mode rules choose the Pod. The proxy runs in this mode now.',
      ko: 'iptables 모드에서는 규칙이 파드를 고른다. 이제 프록시가 이 모드로 돈다.',
    })
    const chain = await findServiceChain(lab)
    const curl = await requestsByPod(lab, REQUESTS)
    const answers = sumOf(curl.counts)
    show(
      curl.ran,
      {
        en: 'The client opens {requests} connections, one after the other. Answers: {answers}.',
        ko: '클라이언트가 차례로 연결 {requests}개를 연다. 응답: {answers}개.',
      },
      { requests: REQUESTS, answers },
    )
    const { ran, rules } = await readChain(lab, chain)
    const choices = rules.filter(({ text }) => text.startsWith('KUBE-SEP-'))
    const [first = 0, second = 0, third = 0] = choices.map(({ packets }) => packets)
    const odds = choices.map(({ text }) => /probability (0\.\d{3})/.exec(text)?.[1] ?? '1')
    show(
      ran,
      {
        en: 'The three rules have this order. The first takes a new connection with probability {p1}. What it leaves is two thirds, and the second takes half of that ({p2}). The third has no condition: it takes the rest.',
        ko: '세 규칙이 이 순서로 있다. 첫째는 새 연결을 확률 {p1}으로 가져간다. 남는 것은 3분의 2이고, 둘째가 그 절반({p2})을 가져간다. 셋째는 조건이 없으므로 나머지를 모두 가져간다.',
      },
      { p1: odds[0] ?? '', p2: odds[1] ?? '' },
    )
    const sum = first + second + third
    return {
      proof: {
        en: `connections that the three rules counted, for ${REQUESTS} requests`,
        ko: `요청 ${REQUESTS}개에 세 규칙이 센 연결 수`,
      },
      value: `${first} + ${second} + ${third} = ${sum}`,
      answer: {
        en: 'Each Pod gets one third. A rule sees only what the rules before it have left: 1/3 of all, then 1/2 of the remaining 2/3, then all of the last 1/3. Here the rules counted {first}, {second} and {third} of {requests} connections; the kernel chooses at random, so the numbers are near a third each, and seldom equal.',
        ko: '파드마다 3분의 1을 받는다. 규칙은 앞의 규칙이 남긴 것만 본다. 전체의 1/3, 남은 2/3의 1/2, 마지막 1/3의 전부이다. 여기서는 연결 {requests}개 가운데 {first}개, {second}개, {third}개를 세었다. 커널이 무작위로 고르므로 수는 3분의 1에 가깝지만 똑같은 일은 드물다.',
      },
      values: { first, second, third, requests: REQUESTS },
      holds: choices.length === 3 && sum === REQUESTS && answers === REQUESTS && odds[2] === '1',
    }
  },
}
