import { type Lab, type Ran } from '../lab.js'
import { NODE_CONNECTIONS } from '../node-connections.js'
import { type Question } from '../question.js'
import { useMode } from '../use-mode.js'

export const throughKubeProxy: Question = {
  number: 2,
  title: { en: 'Does traffic pass through kube-proxy?', ko: '트래픽은 kube-proxy를 지나는가?' },
  asked: ['kind#3399'],
  words: ['data path', 'sockets', 'iptables', 'userspace', '소켓', '경로'],
  programs: new Map([
    ['curl', 'curl'],
    ['conntrack', 'conntrack'],
  ]),
  async run(experiment) {
    const { lab, show } = experiment
    const first = await openConnection(lab, ran => socketsOf(ran) === 2)
    const inUserspace = socketsOf(first)
    show(
      first,
      {
        en: 'Userspace mode, one open connection of the client. Sockets of kube-proxy for it: {inUserspace}, one to the client and one to the Pod. kube-proxy copies every byte from one to the other.',
        ko: 'userspace 모드, 클라이언트의 열린 연결 하나. 이 연결에 쓰이는 kube-proxy의 소켓은 {inUserspace}개이다. 하나는 클라이언트로, 하나는 파드로 이어진다. kube-proxy가 모든 바이트를 한쪽에서 다른 쪽으로 옮긴다.',
      },
      { inUserspace },
    )
    await useMode(experiment, 'iptables')
    const { clusterIP } = lab.service
    const request = lab.start('client', 'curl', '-s', waitingUrl(clusterIP))
    const args = ['-L', '-p', 'tcp', '--orig-dst', clusterIP, '--state', 'ESTABLISHED']
    const entry = await lab.until(
      ({ output }) => /src=/.test(output),
      () => lab.run('node', 'conntrack', ...args),
    )
    const sockets = await lab.run('node', ...NODE_CONNECTIONS)
    await request.stop()
    const inIptables = socketsOf(sockets)
    const output = entry.output
      .split('\n')
      .filter(line => line.includes('src='))
      .join('\n')
    const pod = /src=\S+ dst=\S+ sport=\d+ dport=\d+ src=(\S+)/.exec(output)?.[1] ?? ''
    show(
      { ...entry, output },
      {
        en: 'The same request again. The kernel has an entry for the connection: what the client sends to {clusterIP} goes to the Pod {pod}.',
        ko: '같은 요청을 다시 보냈다. 커널에 이 연결의 항목이 있다. 클라이언트가 {clusterIP}으로 보낸 것은 파드({pod})로 간다.',
      },
      { clusterIP, pod },
    )
    show(
      sockets,
      {
        en: 'Sockets of kube-proxy for it: {inIptables}.',
        ko: '이 연결에 쓰이는 kube-proxy의 소켓: {inIptables}개.',
      },
      { inIptables },
    )
    return {
      proof: {
        en: 'sockets of kube-proxy for one connection, in userspace mode and in iptables mode',
        ko: '연결 하나를 위한 kube-proxy의 소켓 수, userspace 모드와 iptables 모드',
      },
      value: `${inUserspace}, ${inIptables}`,
      answer: {
        en: 'Only in userspace mode: there kube-proxy had {inUserspace} sockets for one connection. In iptables mode it had {inIptables}: kube-proxy writes rules, and the kernel carries the packets to the Pod ({pod}). In ipvs mode the kernel carries them too.',
        ko: 'userspace 모드에서만 지난다. 이 모드에서 kube-proxy는 연결 하나에 소켓 {inUserspace}개를 썼다. iptables 모드에서는 {inIptables}개였다. kube-proxy는 규칙을 쓸 뿐이고, 커널이 패킷을 파드({pod})로 나른다. ipvs 모드에서도 커널이 나른다.',
      },
      values: { inUserspace, inIptables, pod },
      holds: inUserspace === 2 && inIptables === 0 && pod !== '',
    }
  },
}

/** What the node shows while the client has an open connection. */
async function openConnection(lab: Lab, isWanted: (ran: Ran) => boolean): Promise<Ran> {
  const request = lab.start('client', 'curl', '-s', waitingUrl(lab.service.clusterIP))
  try {
    return await lab.until(isWanted, () => lab.run('node', ...NODE_CONNECTIONS))
  } finally {
    await request.stop()
  }
}

function waitingUrl(clusterIP: string): string {
  return `http://${clusterIP}/?wait=60000`
}

function socketsOf({ output }: Ran): number {
  return output.match(/"kube-proxy"/g)?.length ?? 0
}
