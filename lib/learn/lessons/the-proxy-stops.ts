import { useMode } from '../../ask/use-mode.js'
import { type Choice, type Counter, type Lesson, type Seen } from '../lesson.js'
import { answersOf, requests } from '../requests.js'
import { ruleCounter } from '../rule-counter.js'

const REQUESTS = 9
/** The rule of iptables mode; also that with which the kernel serves while a proxy in userspace mode is down. */
const KERNEL_RULE: Counter = ruleCounter('KUBE-SERVICES', '10.96.0.10', 80)

export const theProxyStops: Lesson = {
  number: 10,
  title: { en: 'kube-proxy itself stops', ko: 'kube-proxy 자신이 멈춘다' },
  steps: [
    {
      title: { en: 'Killed in iptables mode', ko: 'iptables 모드에서 강제로 끝난다' },
      say: {
        en: 'The proxy runs in iptables mode. Then it is killed (SIGKILL), and has no time to do anything. The client sends nine requests.',
        ko: '프록시가 iptables 모드로 돌다가 강제로 끝난다(SIGKILL). 정리할 틈이 없다. 클라이언트가 요청 아홉 개를 보낸다.',
      },
      async prepare(experiment) {
        await useMode(experiment, 'iptables')
        await kill(experiment)
      },
      command: () => requests(REQUESTS),
      question: { en: 'How many requests get an answer?', ko: '몇 개의 요청이 응답을 받는가?' },
      choices: answered(),
      right: 0,
      proof: KERNEL_RULE,
      observe: answersSeen,
      why: {
        en: 'Answers: {answers}. kube-proxy had only written rules, and rules stay in the kernel: this one counted {more} connections with no proxy there. But no program updates them. A Pod that dies now stays in the rules until a proxy runs again.',
        ko: '응답: {answers}개. kube-proxy는 규칙을 썼을 뿐이고, 규칙은 커널에 남는다. 프록시가 없는데도 이 규칙은 연결 {more}개를 세었다. 그러나 규칙을 고치는 프로그램이 없다. 지금 죽는 파드는 프록시가 다시 돌 때까지 규칙에 남는다.',
      },
    },
    {
      title: { en: 'Killed in userspace mode', ko: 'userspace 모드에서 강제로 끝난다' },
      say: {
        en: 'Now the proxy runs in userspace mode, as one process (--data-plane-workers=0), and is killed again.',
        ko: '이번에는 프록시가 userspace 모드에서 프로세스 하나로(--data-plane-workers=0) 돌다가 다시 강제로 끝난다.',
      },
      async prepare(experiment) {
        await useMode(experiment, 'userspace')
        await kill(experiment)
      },
      command: () => requests(REQUESTS),
      question: { en: 'How many requests get an answer?', ko: '몇 개의 요청이 응답을 받는가?' },
      choices: answered(),
      right: 1,
      proof: ruleCounter('KUBE-PORTALS-CONTAINER', '10.96.0.10', 80),
      observe: answersSeen,
      why: {
        en: 'Answers: {answers}. The rule is still there, and counted {more} connections, but it sends them to a socket that died with the process. That is why kube-proxy by default has worker processes with the sockets: they go on when the main process is killed.',
        ko: '응답: {answers}개. 규칙은 아직 있고 연결 {more}개를 세었지만, 프로세스와 함께 사라진 소켓으로 보낸다. 그래서 기본값에서는 워커 프로세스가 소켓을 가진다. 주 프로세스가 강제로 끝나도 워커는 계속 처리한다.',
      },
    },
    {
      title: { en: 'Asked to end in userspace mode', ko: 'userspace 모드에서 정상적으로 종료시킨다' },
      say: {
        en: 'The proxy runs again in userspace mode. This time it is asked to end (SIGTERM), as in an update.',
        ko: '프록시가 다시 userspace 모드로 돈다. 이번에는 업데이트 때처럼 종료 신호(SIGTERM)를 보내 정상적으로 종료시킨다.',
      },
      async prepare(experiment) {
        const { lab, show } = experiment
        await useMode(experiment, 'userspace')
        show(await lab.stopProxy('SIGTERM'), { en: 'The process has ended.', ko: '프로세스가 끝났다.' })
      },
      command: () => requests(REQUESTS),
      question: { en: 'How many requests get an answer?', ko: '몇 개의 요청이 응답을 받는가?' },
      choices: answered(),
      right: 0,
      proof: KERNEL_RULE,
      observe: answersSeen,
      why: {
        en: 'Answers: {answers}. Before it ended, the proxy wrote the rules of iptables mode (--on-exit), so that the kernel serves until the next proxy starts. They counted {more} connections.',
        ko: '응답: {answers}개. 프록시는 끝나기 전에 iptables 모드의 규칙을 썼다(--on-exit). 다음 프록시가 시작할 때까지 커널이 처리한다. 규칙은 연결 {more}개를 세었다.',
      },
    },
  ],
}

async function kill({ lab, show }: Parameters<typeof useMode>[0]): Promise<void> {
  show(await lab.stopProxy('SIGKILL'), { en: 'The process is killed.', ko: '프로세스를 강제로 끝낸다.' })
}

function answered(): readonly Choice[] {
  return [
    {
      text: { en: 'all', ko: '모두' },
      isSeen: ({ answers, more }) => answers === REQUESTS && more === REQUESTS,
    },
    {
      text: { en: 'none', ko: '하나도 받지 못한다' },
      isSeen: ({ answers, more }) => answers === 0 && more === REQUESTS,
    },
    {
      text: { en: 'some', ko: '몇 개만' },
      isSeen: ({ answers }) => Number(answers) > 0 && Number(answers) < REQUESTS,
    },
  ]
}

function answersSeen(seen: Seen): { readonly answers: number; readonly more: number } {
  const { answers, more } = answersOf(seen)
  return { answers, more }
}
