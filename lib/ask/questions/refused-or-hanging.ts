import { CURL, type Question } from '../question.js'

/**
 * How long the client waits for an answer, in seconds; real ones wait for minutes. Longer than the 3 s after which the kernel would say
 * that the gateway does not exist.
 */
const PATIENCE = 5
const WRITE_OUT = '%{exitcode} after %{time_total} s: %{errormsg}\\n'

export const refusedOrHanging: Question = {
  number: 8,
  title: { en: 'Refused or hanging: what does each mean?', ko: '거절과 무응답은 각각 무엇을 뜻하는가?' },
  asked: ['kubernetes#60124', 'kubernetes#78994'],
  words: ['timeout', 'connection refused', 'hang', 'drop', 'reject', '타임아웃', '멈춤'],
  programs: CURL,
  async run({ lab, show }) {
    const { clusterIP } = lab.service
    const curl = ['curl', '-s', '--max-time', String(PATIENCE), '-w', WRITE_OUT] as const
    show(await lab.scale(0), {
      en: 'The Service has no Pod any more.',
      ko: '이제 서비스 뒤에 파드가 없다.',
    })
    const refused = await lab.run('client', ...curl, `http://${clusterIP}`)
    const refusedAfter = secondsIn(refused.output)
    show(
      refused,
      {
        en: 'curl ends with code {code} after {seconds} s: something has answered "no". The address has a rule, so the kernel of the node knows the Service and refuses for it.',
        ko: 'curl은 {seconds}초 만에 코드 {code}로 끝난다. 누군가 "아니요"라고 답한 것이다. 이 주소에는 규칙이 있으므로 노드의 커널이 서비스를 알고 대신 거절한다.',
      },
      { code: refused.exitCode, seconds: refusedAfter },
    )
    show(await lab.scale(3), { en: 'Three Pods again.', ko: '다시 파드 세 개.' })
    const hanging = await lab.run('client', ...curl, `http://${clusterIP}:81`)
    const hungFor = secondsIn(hanging.output)
    show(
      hanging,
      {
        en: 'Port 81 is no port of the Service. curl ends with code {code} because its own patience of {patience} s is over: no packet has come back.',
        ko: '81은 이 서비스의 포트가 아니다. curl은 스스로 정한 {patience}초가 지나서 코드 {code}로 끝난다. 돌아온 패킷이 하나도 없다.',
      },
      { code: hanging.exitCode, patience: PATIENCE },
    )
    const route = await lab.run('node', 'ip', 'route', 'get', `${clusterIP}`)
    const gateway = / via (\S+)/.exec(route.output)?.[1] ?? ''
    show(
      route,
      {
        en: 'No rule knows port 81, so the packet is routed like any other: to the gateway {gateway}, which drops it without an answer.',
        ko: '81번 포트를 아는 규칙이 없으므로 패킷은 다른 패킷처럼 게이트웨이({gateway})로 간다. 게이트웨이는 응답 없이 패킷을 버린다.',
      },
      { gateway },
    )
    const codes = `${refused.exitCode}, ${hanging.exitCode}`
    return {
      proof: {
        en: 'exit codes of curl, refused and hanging (7: cannot connect, 28: time is over)',
        ko: 'curl의 종료 코드, 거절과 무응답(7: 연결할 수 없음, 28: 시간 초과)',
      },
      value: codes,
      answer: {
        en: 'Refused ({refusedAfter} s here) means that the packet reached a kernel that knows the address and has nothing to serve it: no endpoints, or a program that does not listen on the targetPort. Hanging ({hungFor} s, until curl gave up) means that the packet or its answer is lost: a wrong port or address, a firewall, policy Local without a Pod on this node, no route back. So look for the program after a refusal, and for the way of the packet after a silence.',
        ko: '거절(여기서는 {refusedAfter}초)은 패킷이 주소를 아는 커널에 닿았지만 처리할 것이 없다는 뜻이다. 엔드포인트가 없거나, 프로그램이 targetPort에서 리스닝하지 않는다. 무응답(curl이 포기할 때까지 {hungFor}초)은 패킷이나 그 응답이 사라진다는 뜻이다. 틀린 포트나 주소, 방화벽, 이 노드에 파드가 없는 Local 정책, 돌아오는 경로가 없는 경우이다. 그러니 거절당하면 프로그램을, 응답이 없으면 패킷의 길을 살핀다.',
      },
      values: { refusedAfter, hungFor },
      holds: refused.exitCode === 7 && hanging.exitCode === 28,
    }
  },
}

/** The time that curl has written. */
function secondsIn(output: string): string {
  return / after ([\d.]+) s:/.exec(output)?.[1] ?? ''
}
