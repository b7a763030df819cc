import { ORPHAN_TIMEOUT_MS } from '../../workers/orphans.js'
import { CURL, type Question } from '../question.js'
import { requestsByPod, sumOf } from '../requests-by-pod.js'
import { useMode } from '../use-mode.js'

const REQUESTS = 6
const ORPHAN_SECONDS = ORPHAN_TIMEOUT_MS / 1000

export const proxyStops: Question = {
  number: 20,
  title: {
    en: 'kube-proxy stops: does traffic stop, in each mode?',
    ko: 'kube-proxy가 멈추면 트래픽도 멈추는가? 모드마다 어떤가?',
  },
  asked: ['kubernetes#57109'],
  words: ['crash', 'restart', 'killed', 'failover', 'down', '재시작', '종료'],
  programs: CURL,
  async run(experiment) {
    const { lab, show } = experiment
    show(await lab.stopProxy('SIGKILL'), {
      en: 'Userspace mode without workers (--data-plane-workers=0, as always in the demo): the process is killed, and has no time to do anything.',
      ko: '워커가 없는 userspace 모드(--data-plane-workers=0, 데모에서는 늘 그렇다): 프로세스를 강제로 끝낸다. 정리할 틈이 없다.',
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
    show(await lab.setMode('userspace'), { en: 'It runs again.', ko: '프록시가 다시 돈다.' })
    show(await lab.stopProxy('SIGTERM'), {
      en: 'Now it is asked to end, as in an update: before it ends, it writes rules with which the kernel serves (--on-exit).',
      ko: '이번에는 업데이트할 때처럼 정상적으로 종료시킨다. 프록시는 끝나기 전에 커널이 처리하도록 규칙을 쓴다(--on-exit).',
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
    await useMode(experiment, 'iptables')
    show(await lab.stopProxy('SIGKILL'), {
      en: 'The process is killed.',
      ko: '프로세스를 강제로 끝낸다.',
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
        en: `In iptables mode no: {inIptables} of {requests} requests were answered by the rules alone, and in ipvs mode the kernel serves too; only changes of Services and endpoints are missed. In userspace mode a process that ends after SIGTERM lets the kernel serve ({afterTerm} of {requests}), but one that is killed takes its sockets along ({afterKill} of {requests}) if it has no workers (--data-plane-workers=0). By default workers have the sockets, and they serve on for ${ORPHAN_SECONDS} s. With --on-exit=kernel the kernel also takes over after a kill.`,
        ko: `iptables 모드에서는 멈추지 않는다. 규칙만으로 요청 {requests}개 가운데 {inIptables}개에 응답이 왔고, ipvs 모드에서도 커널이 처리한다. 놓치는 것은 서비스와 엔드포인트의 변경뿐이다. userspace 모드에서는 SIGTERM을 받고 정상적으로 종료되면 커널이 처리하지만({requests}개 가운데 {afterTerm}개), 워커 없이(--data-plane-workers=0) 강제로 끝나면 소켓도 함께 사라진다({requests}개 가운데 {afterKill}개). 기본값에서는 워커가 소켓을 가지고 ${ORPHAN_SECONDS}초 동안 계속 처리한다. --on-exit=kernel이면 강제로 끝나도 커널이 처리한다.`,
      },
      values: { inIptables, requests: REQUESTS, afterKill, afterTerm },
      holds: afterKill === 0 && afterTerm === REQUESTS && inIptables === REQUESTS,
    }
  },
}
