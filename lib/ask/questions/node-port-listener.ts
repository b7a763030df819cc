import { CURL, type Question } from '../question.js'
import { answersIn } from '../answers-in.js'
import { PATIENCE } from '../patience.js'
import { packetsTo, readChain } from '../read-chain.js'
import { giveNodePort } from '../give-node-port.js'
import { useMode } from '../use-mode.js'

const NODE_PORT = 30080

export const nodePortListener: Question = {
  number: 15,
  title: {
    en: 'The NodePort works but ss shows nothing: who listens?',
    ko: 'NodePort는 되는데 ss에는 아무것도 없다. 누가 리스닝하는가?',
  },
  asked: ['rancher-desktop#2682'],
  words: ['netstat', 'listen', 'socket', 'node port', '소켓'],
  programs: CURL,
  async run(experiment) {
    const { lab, show } = experiment
    await giveNodePort(experiment, NODE_PORT)
    const listeners = async () => {
      const ran = await lab.run('node', 'ss', '-Hltnp', 'sport', '=', `:${NODE_PORT}`)
      return { ran, count: ran.output.match(/^LISTEN/gm)?.length ?? 0 }
    }
    const userspace = await listeners()
    show(
      userspace.ran,
      {
        en: 'Userspace mode: sockets that listen on the NodePort: {count}. It belongs to kube-proxy.',
        ko: 'userspace 모드: NodePort에서 리스닝하는 소켓은 {count}개이고 kube-proxy의 것이다.',
      },
      { count: userspace.count },
    )
    await useMode(experiment, 'iptables')
    const iptables = await listeners()
    show(
      iptables.ran,
      { en: 'Sockets that listen now: {count}.', ko: '이제 리스닝하는 소켓: {count}개.' },
      { count: iptables.count },
    )
    const curl = await lab.run('outside', 'curl', '-s', ...PATIENCE.answer, `http://${lab.nodeIP}:${NODE_PORT}`)
    const pod = answersIn(curl.output)[0]?.pod ?? ''
    show(curl, { en: 'Yet {pod} answers.', ko: '그런데도 응답이 온다({pod}).' }, { pod })
    const { ran, rules } = await readChain(lab, 'KUBE-NODEPORTS')
    const counted = packetsTo(rules, '0.0.0.0/0', NODE_PORT)
    show(
      ran,
      {
        en: 'A rule has changed the destination before any socket could see the packet. It counted {counted}.',
        ko: '어떤 소켓도 패킷을 보기 전에 규칙이 목적지를 바꾸었다. 규칙이 센 패킷: {counted}개.',
      },
      { counted },
    )
    return {
      proof: {
        en: 'sockets that listen on the NodePort, in userspace mode and in iptables mode',
        ko: 'NodePort에서 리스닝하는 소켓 수, userspace 모드와 iptables 모드',
      },
      value: `${userspace.count}, ${iptables.count}`,
      answer: {
        en: 'No program has to listen: in iptables mode the sockets were {iptables}, and a rule, which counted {counted} packet, sent the connection to a Pod. `ss` shows sockets, not rules; look with `iptables -t nat -L KUBE-NODEPORTS -n -v`. In userspace mode kube-proxy listens itself ({userspace} socket), so no other program can take the port.',
        ko: '리스닝하는 프로그램이 없어도 된다. iptables 모드에서 소켓은 {iptables}개였고, 규칙이 패킷 {counted}개를 세고 연결을 파드로 보냈다. `ss`는 규칙이 아니라 소켓을 보여 준다. 규칙은 `iptables -t nat -L KUBE-NODEPORTS -n -v`로 본다. userspace 모드에서는 kube-proxy가 직접 리스닝하므로(소켓 {userspace}개) 다른 프로그램이 포트를 가져갈 수 없다.',
      },
      values: { iptables: iptables.count, counted, userspace: userspace.count },
      holds: userspace.count === 1 && iptables.count === 0 && pod !== '' && counted === 1,
    }
  },
}
