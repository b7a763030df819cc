import { DEFAULT_TIMINGS } from '../../dataplane/data-plane-timings.js'
import { cutLink } from '../cut-link.js'
import { openConnection } from '../open-connection.js'
import { CURL, type Question } from '../question.js'

/** How long the Pod lets the client wait, in milliseconds: long enough to cut its network meanwhile. */
const WAIT_MS = 3000
/** How long the client waits, in seconds: less than the 15 s after which the proxy probes a silent connection. */
const PATIENCE = 8
const WRITE_OUT = '%{exitcode} after %{time_total} s: %{errormsg}\\n'
const PROBE_SECONDS = DEFAULT_TIMINGS.keepAliveIdle / 1000

export const deadPodConnections: Question = {
  number: 17,
  title: {
    en: 'A Pod died: what happens to open connections, and who ends them for the client?',
    ko: '파드가 죽었다. 열린 연결은 어떻게 되고, 클라이언트 쪽 연결은 누가 끝내는가?',
  },
  asked: ['kubernetes#46753', 'kubernetes#93143'],
  words: ['reset', 'RST', 'FIN', 'hang', 'broken connection', '끊김', '리셋'],
  programs: CURL,
  async run({ lab, show }) {
    const url = `http://${lab.service.clusterIP}`
    const first = await openConnection(lab, url, { curl: ['--max-time', '30', '-w', WRITE_OUT] })
    show(
      first.ran,
      { en: 'The client waits for an answer of {pod}.', ko: '클라이언트가 파드({pod})의 응답을 기다린다.' },
      { pod: first.pod.name },
    )
    show(await lab.kill(first.pod), {
      en: 'The program in the Pod dies. The kernel of the Pod closes its connections.',
      ko: '파드 안의 프로그램이 죽는다. 파드의 커널이 그 연결을 닫는다.',
    })
    const closed = await first.request.ended
    const afterSeconds = secondsIn(closed.output)
    show(
      closed,
      {
        en: 'The client learns it at once: curl ends with code {code}, {seconds} s after it began.',
        ko: '클라이언트는 곧바로 알게 된다. curl은 시작한 지 {seconds}초 만에 끝난다(코드 {code}).',
      },
      { code: closed.exitCode, seconds: afterSeconds },
    )
    show(await lab.replace(first.pod), { en: 'A new Pod replaces it.', ko: '새 파드가 그 자리를 채운다.' })
    const slowly = { waitMs: WAIT_MS, curl: ['--max-time', String(PATIENCE), '-w', WRITE_OUT] }
    const uncut = await (await openConnection(lab, url, slowly)).request.ended
    show(
      uncut,
      {
        en: 'A Pod that needs {seconds} s for its answer, and a client with a patience of {patience} s: curl ends with code {code}.',
        ko: '응답하는 데 {seconds}초가 걸리는 파드와 {patience}초까지 기다리는 클라이언트: curl은 코드 {code}로 끝난다.',
      },
      { seconds: WAIT_MS / 1000, patience: PATIENCE, code: uncut.exitCode },
    )
    const second = await openConnection(lab, url, slowly)
    const cut = await cutLink(lab, second.pod)
    show(
      cut.ran,
      {
        en: 'The same request, to {pod}. While the client waits, the network of the Pod is cut, as if its machine had lost power: no packet leaves it.',
        ko: '같은 요청({pod})이다. 클라이언트가 기다리는 동안 기계의 전원이 나간 것처럼 파드의 네트워크를 끊는다. 파드를 떠나는 패킷이 없다.',
      },
      { pod: second.pod.name },
    )
    const hung = await second.request.ended
    await cut.undo()
    show(
      hung,
      {
        en: 'No answer and no end comes within {patience} s (code {code}).',
        ko: '{patience}초 안에 응답도 연결 종료도 오지 않는다(코드 {code}).',
      },
      { patience: PATIENCE, code: hung.exitCode },
    )
    return {
      proof: {
        en: 'exit codes of curl: the program died, nothing happened, the network was cut (52 and 56: the other side has closed; 28: time is over)',
        ko: 'curl의 종료 코드: 프로그램이 죽음, 아무 일 없음, 네트워크가 끊김(52와 56: 상대가 닫음, 28: 시간 초과)',
      },
      value: `${closed.exitCode}, ${uncut.exitCode}, ${hung.exitCode}`,
      answer: {
        en: `No mode moves an open connection to another Pod: it ends. The kernel of the Pod ends it, and in userspace mode kube-proxy passes that on: curl ended with code {closed} after {seconds} s. If the whole machine goes silently, the client was still waiting after {patience} s (code {hung}). In userspace mode kube-proxy probes a connection that is silent for ${PROBE_SECONDS} s, and ends the client's when no reply comes; in the other modes only timeouts or keep-alive probes of the client help.`,
        ko: `어느 모드도 열린 연결을 다른 파드로 옮기지 않는다. 연결은 끝난다. 파드의 커널이 끝내고, userspace 모드에서는 kube-proxy가 이를 전한다. curl은 {seconds}초 만에 끝났다(코드 {closed}). 노드가 아무 신호 없이 통째로 사라지면 클라이언트는 {patience}초 뒤에도 기다리고 있었다(코드 {hung}). userspace 모드에서는 ${PROBE_SECONDS}초 동안 조용한 연결을 kube-proxy가 확인하고, 회신이 없으면 클라이언트 쪽 연결을 끝낸다. 다른 모드에서는 클라이언트의 타임아웃이나 keep-alive 프로브만 도움이 된다.`,
      },
      values: { closed: closed.exitCode, seconds: afterSeconds, patience: PATIENCE, hung: hung.exitCode },
      holds: [52, 56].includes(closed.exitCode) && uncut.exitCode === 0 && hung.exitCode === 28,
    }
  },
}

function secondsIn(output: string): string {
  return / after ([\d.]+) s:/.exec(output)?.[1] ?? ''
}
