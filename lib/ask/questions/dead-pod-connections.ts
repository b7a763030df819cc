import { openConnection } from '../open-connection.js'
import { CURL, type Question } from '../question.js'

const PATIENCE = 2
const OPTIONS = ['--max-time', String(PATIENCE), '-w', '%{exitcode} after %{time_total} s: %{errormsg}\\n'] as const

export const deadPodConnections: Question = {
  number: 17,
  title: {
    en: 'A Pod died: what happens to open connections, and who ends them for the client?',
    ko: '파드가 죽었다. 열린 연결은 어떻게 되고, 클라이언트에게는 누가 알리는가?',
  },
  asked: ['kubernetes#46753', 'kubernetes#93143'],
  words: ['reset', 'RST', 'FIN', 'hang', 'broken connection', '끊김', '리셋'],
  programs: CURL,
  async run({ lab, show }) {
    const url = `http://${lab.service.clusterIP}`
    const first = await openConnection(lab, url, ...OPTIONS)
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
        ko: '클라이언트는 곧바로 안다. curl은 시작한 지 {seconds}초에 끝난다(코드 {code}).',
      },
      { code: closed.exitCode, seconds: afterSeconds },
    )
    await lab.replace(first.pod)
    const second = await openConnection(lab, url, ...OPTIONS)
    const link = `veth${second.pod.ip.split('.').at(-1)}`
    const cut = await lab.run('node', 'ip', 'link', 'set', link, 'down')
    show(
      cut,
      {
        en: 'Another connection, to {pod}. This time its network is cut, as if its machine had lost power: no packet leaves it.',
        ko: '다른 연결({pod})이다. 이번에는 기계의 전원이 나간 것처럼 네트워크를 끊는다. 파드를 떠나는 패킷이 없다.',
      },
      { pod: second.pod.name },
    )
    const hung = await second.request.ended
    await lab.run('node', 'ip', 'link', 'set', link, 'up')
    show(
      hung,
      {
        en: 'No end comes. curl waits until its own {patience} s are over (code {code}).',
        ko: '아무 끝도 오지 않는다. curl은 스스로 정한 {patience}초까지 기다린다(코드 {code}).',
      },
      { patience: PATIENCE, code: hung.exitCode },
    )
    return {
      proof: {
        en: 'exit codes of curl: the program died, the network was cut (52 and 56: the other side has closed; 28: time is over)',
        ko: 'curl의 종료 코드: 프로그램이 죽음, 네트워크가 끊김(52와 56: 상대가 닫음, 28: 시간이 다 됨)',
      },
      value: `${closed.exitCode}, ${hung.exitCode}`,
      answer: {
        en: 'No mode moves an open connection to another Pod: it ends. The kernel of the Pod ends it, and in userspace mode kube-proxy passes that on: curl ended with code {closed} after {seconds} s. If the whole machine goes silently, no side learns it (code {hung}, by the patience of curl): only timeouts or keep-alive probes of the client help.',
        ko: '어느 모드도 열린 연결을 다른 파드로 옮기지 않는다. 연결은 끝난다. 파드의 커널이 끝내고, userspace 모드에서는 kube-proxy가 이를 전한다. curl은 {seconds}초에 끝났다(코드 {closed}). 기계가 통째로 조용히 사라지면 아무도 알리지 않는다(curl이 기다리다 포기했다, 코드 {hung}). 클라이언트의 타임아웃이나 keep-alive 프로브만 도움이 된다.',
      },
      values: { closed: closed.exitCode, seconds: afterSeconds, hung: hung.exitCode },
      holds: [52, 56].includes(closed.exitCode) && hung.exitCode === 28,
    }
  },
}

function secondsIn(output: string): string {
  return / after ([\d.]+) s:/.exec(output)?.[1] ?? ''
}
