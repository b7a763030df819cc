import { PATIENCE } from '../../ask/patience.js'
import { findServiceChain } from '../../ask/find-service-chain.js'
import { useMode } from '../../ask/use-mode.js'
import { type Lesson } from '../lesson.js'
import { answersOf, requests } from '../requests.js'
import { ruleCounter } from '../rule-counter.js'
import { serviceCounter } from '../service-counter.js'

export const scaling: Lesson = {
  number: 7,
  title: { en: 'Scaling: more Pods, and none', ko: '스케일링: 더 많은 파드, 그리고 0개' },
  steps: [
    {
      title: { en: 'Five Pods', ko: '파드 다섯 개' },
      say: {
        en: 'The Deployment gets two Pods more. The client knows only 10.96.0.10, and sends ten requests.',
        ko: '디플로이먼트의 파드를 두 개 늘린다. 클라이언트는 10.96.0.10만 알고, 요청 열 개를 보낸다.',
      },
      async prepare({ lab, show }) {
        show(await lab.scale(5), { en: 'Five Pods run.', ko: '파드 다섯 개가 돈다.' })
      },
      command: () => requests(10),
      question: { en: 'Which Pods answer?', ko: '어느 파드가 응답하는가?' },
      choices: [
        {
          text: {
            en: 'the three old ones, until the client starts again',
            ko: '클라이언트가 다시 시작할 때까지 이전 파드 세 개',
          },
          isSeen: ({ pods }) => pods === 3,
        },
        { text: { en: 'only the two new ones', ko: '새 파드 두 개만' }, isSeen: ({ pods }) => pods === 2 },
        {
          text: { en: 'all five, two requests each', ko: '다섯 개 모두, 저마다 요청 두 개씩' },
          isSeen: ({ pods, answers, more }) => pods === 5 && answers === 10 && more === 10,
        },
      ],
      right: 2,
      proof: serviceCounter,
      observe: answersOf,
      why: {
        en: 'The EndpointSlice got two addresses, and kube-proxy uses them at once: {pods} Pods gave {answers} answers. The rule for the ClusterIP is the same as before, and counted {more} connections.',
        ko: '엔드포인트슬라이스에 주소 두 개가 늘었고, kube-proxy는 이를 곧바로 쓴다. 파드 {pods}개가 응답 {answers}개를 보냈다. ClusterIP를 위한 규칙은 전과 같고, 연결 {more}개를 세었다.',
      },
    },
    {
      title: { en: 'The rules of five Pods', ko: '파드 다섯 개의 규칙' },
      say: {
        en: 'With three Pods the first rule in iptables mode has the probability 0.333. The proxy restarts in iptables mode, with five Pods. The command lists the rules that choose.',
        ko: '파드가 세 개이면 iptables 모드의 첫 규칙은 확률이 0.333이다. 파드가 다섯 개인 채로 프록시를 iptables 모드로 다시 시작한다. 명령은 파드를 고르는 규칙을 보여 준다.',
      },
      prepare: experiment => useMode(experiment, 'iptables'),
      command: async lab => ({ where: 'node', line: `iptables -t nat -S ${await findServiceChain(lab)}` }),
      question: {
        en: 'Which probability does the first of the five rules have?',
        ko: '다섯 규칙 가운데 첫째의 확률은 얼마인가?',
      },
      choices: [
        { text: { en: '0.2', ko: '0.2' }, isSeen: ({ first, rules }) => first === 0.2 && rules === 5 },
        { text: { en: '0.333', ko: '0.333' }, isSeen: ({ first }) => first === 0.333 },
        { text: { en: '0.5', ko: '0.5' }, isSeen: ({ first }) => first === 0.5 },
      ],
      right: 0,
      proof: { name: { en: 'probability of the first rule', ko: '첫 규칙의 확률' }, value: 'first' },
      observe({ ran }) {
        const first = /--probability (0\.\d+)/.exec(ran.output)?.[1]
        return {
          first: Math.round(Number(first ?? 0) * 1000) / 1000,
          rules: ran.output.match(/-j KUBE-SEP-/g)?.length ?? 0,
        }
      },
      why: {
        en: 'It is {first}: one of {rules}. The next rules have 1/4, 1/3 and 1/2, and the last has no condition. In iptables mode every change of endpoints rewrites these rules; in userspace mode only a list in memory changes.',
        ko: '{rules}개 가운데 하나이므로 {first}이다. 다음 규칙은 1/4, 1/3, 1/2이고, 마지막에는 조건이 없다. iptables 모드에서는 엔드포인트가 바뀔 때마다 이 규칙을 다시 쓴다. userspace 모드에서는 메모리의 목록만 바뀐다.',
      },
    },
    {
      title: { en: 'No Pod', ko: '파드 0개' },
      say: {
        en: 'Now the Deployment scales to 0. The Service still exists, with its ClusterIP and without endpoints.',
        ko: '이제 디플로이먼트를 0개로 줄인다. 서비스는 ClusterIP와 함께 그대로 있고, 엔드포인트만 없다.',
      },
      async prepare({ lab, show }) {
        show(await lab.scale(0), { en: 'No Pod runs.', ko: '도는 파드가 없다.' })
      },
      command: () => ({ where: 'client', line: `curl -sS ${PATIENCE.answer.join(' ')} http://10.96.0.10` }),
      mayFail: true,
      question: { en: 'What does the client get?', ko: '클라이언트는 무엇을 받는가?' },
      choices: [
        {
          text: { en: 'nothing: it waits until it gives up', ko: '아무것도 받지 못하고 포기할 때까지 기다린다' },
          isSeen: ({ code }) => code === 28,
        },
        {
          text: { en: '"connection refused", at once', ko: '곧바로 "연결 거부"' },
          isSeen: ({ code, more }) => code === 7 && more === 1,
        },
        {
          text: { en: 'an answer of a Pod that has not ended yet', ko: '아직 끝나지 않은 파드의 응답' },
          isSeen: ({ code }) => code === 0,
        },
      ],
      right: 1,
      proof: ruleCounter('KUBE-SERVICES', '10.96.0.10', 80, 'filter'),
      observe: ({ ran, more }) => ({ code: ran.exitCode, more }),
      why: {
        en: 'kube-proxy writes a rule that refuses (REJECT) for a Service without endpoints. It counted {more} packet, and curl ended with code {code}: connection refused. Without this rule the client would wait for an answer that cannot come.',
        ko: '엔드포인트가 없는 서비스에는 kube-proxy가 거절하는 규칙(REJECT)을 쓴다. 이 규칙은 패킷 {more}개를 세었고, curl은 코드 {code}(연결 거부)로 끝났다. 이 규칙이 없으면 클라이언트는 올 수 없는 응답을 기다린다.',
      },
    },
  ],
}
