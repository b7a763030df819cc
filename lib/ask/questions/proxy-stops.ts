import { CURL, type Question } from '../question.js'
import { requestsByPod, sumOf } from '../requests-by-pod.js'

const REQUESTS = 6

export const proxyStops: Question = {
  number: 20,
  title: {
    en: 'kube-proxy stops: does traffic stop, in each mode?',
    ko: 'kube-proxy가 멈추면 트래픽도 멈추는가? 모드마다 어떤가?',
  },
  asked: ['kubernetes#57109'],
  words: ['crash', 'restart', 'killed', 'failover', 'down', '재시작', '종료'],
  programs: CURL,
  async run({ lab, show }) {
    show(await lab.stopProxy('SIGKILL'), {
      en: 'Userspace mode: the process is killed, and has no time to do anything.',
      ko: 'userspace 모드: 프로세스를 강제로 끝낸다. 무엇을 할 틈도 없다.',
    })
    const killed = await requestsByPod(lab, REQUESTS)
    const afterKill = sumOf(killed.counts)
    show(
      killed.ran,
      {
        en: 'The rules lead to a socket that is gone. Answers: {answers} of {requests}.',
        ko: '규칙이 가리키는 소켓이 이제 없다. 응답: {requests}개 가운데 {answers}개.',
      },
      { answers: afterKill, requests: REQUESTS },
    )
    show(await lab.setMode('userspace'), { en: 'It runs again.', ko: '다시 돈다.' })
    show(await lab.stopProxy('SIGTERM'), {
      en: 'Now it is asked to end, as in an update: before it ends, it writes rules with which the kernel serves (--on-exit).',
      ko: '이번에는 업데이트 때처럼 끝나라고 한다. 프록시는 끝나기 전에 커널이 처리하도록 규칙을 쓴다(--on-exit).',
    })
    const asked = await requestsByPod(lab, REQUESTS)
    const afterTerm = sumOf(asked.counts)
    show(
      asked.ran,
      {
        en: 'Answers: {answers} of {requests}.',
        ko: '응답: {requests}개 가운데 {answers}개.',
      },
      { answers: afterTerm, requests: REQUESTS },
    )
    await lab.setMode('iptables')
    show(await lab.stopProxy('SIGKILL'), {
      en: 'iptables mode: the process is killed.',
      ko: 'iptables 모드: 프로세스를 강제로 끝낸다.',
    })
    const kernel = await requestsByPod(lab, REQUESTS)
    const inIptables = sumOf(kernel.counts)
    show(
      kernel.ran,
      {
        en: 'The rules stay in the kernel. Answers: {answers} of {requests}.',
        ko: '규칙은 커널에 남는다. 응답: {requests}개 가운데 {answers}개.',
      },
      { answers: inIptables, requests: REQUESTS },
    )
    return {
      proof: {
        en: `answers to ${REQUESTS} requests: userspace mode after SIGKILL, after SIGTERM; iptables mode after SIGKILL`,
        ko: `요청 ${REQUESTS}개에 온 응답: userspace 모드에서 SIGKILL 뒤, SIGTERM 뒤, iptables 모드에서 SIGKILL 뒤`,
      },
      value: `${afterKill}, ${afterTerm}, ${inIptables}`,
      answer: {
        en: 'In iptables mode no: {inIptables} of {requests} requests were answered by the rules alone; only changes of endpoints are missed. In userspace mode a killed process takes its sockets along ({afterKill} of {requests}), but one that may end in order lets the kernel serve ({afterTerm} of {requests}). With --on-exit=kernel the kernel also takes over after a kill.',
        ko: 'iptables 모드에서는 멈추지 않는다. 규칙만으로 요청 {requests}개 가운데 {inIptables}개에 응답이 왔다. 놓치는 것은 엔드포인트의 변경뿐이다. userspace 모드에서는 강제로 끝난 프로세스와 함께 소켓도 사라지지만({requests}개 가운데 {afterKill}개), 순서대로 끝나면 커널이 처리한다({requests}개 가운데 {afterTerm}개). --on-exit=kernel이면 강제로 끝나도 커널이 처리한다.',
      },
      values: { inIptables, requests: REQUESTS, afterKill, afterTerm },
      holds: afterKill === 0 && afterTerm === REQUESTS && inIptables === REQUESTS,
    }
  },
}
