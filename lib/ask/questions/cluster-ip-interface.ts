import { CURL, type Question } from '../question.js'
import { answersIn } from '../answers-in.js'
import { interfacesWith } from '../interfaces-with.js'
import { PATIENCE } from '../patience.js'
import { packetsTo, readChain } from '../read-chain.js'

export const clusterIpInterface: Question = {
  number: 1,
  title: {
    en: 'Which interface has the ClusterIP? Why can I not find it?',
    ko: 'ClusterIP는 어느 인터페이스에 있는가? 왜 찾을 수 없는가?',
  },
  asked: ['kubernetes#78201'],
  words: ['interface', 'device', 'virtual', 'address', '가상', '주소'],
  programs: CURL,
  async run({ lab, show }) {
    const { clusterIP } = lab.service
    const { ran, interfaces, holders } = await interfacesWith(lab, clusterIP)
    show(
      ran,
      {
        en: 'Interfaces of the node with an IPv4 address: {interfaces}. Those with the address {clusterIP}: {holders}.',
        ko: '노드에 IPv4 주소를 가진 인터페이스는 {interfaces}개이다. 그 가운데 주소 {clusterIP}을 가진 것은 {holders}개이다.',
      },
      { interfaces, clusterIP, holders },
    )
    const before = await readChain(lab, 'KUBE-PORTALS-CONTAINER')
    const counted = packetsTo(before.rules, clusterIP, 80)
    const curl = await lab.run('client', 'curl', '-s', ...PATIENCE.answer, `http://${clusterIP}`)
    const pod = answersIn(curl.output)[0]?.pod ?? ''
    show(
      curl,
      {
        en: 'Yet the address works: {pod} answers.',
        ko: '그런데도 이 주소로 요청하면 응답이 온다. 응답한 파드: {pod}.',
      },
      { pod },
    )
    const after = await readChain(lab, 'KUBE-PORTALS-CONTAINER')
    const more = packetsTo(after.rules, clusterIP, 80) - counted
    show(
      after.ran,
      {
        en: 'A rule of the kernel has matched the packet for {clusterIP} before routing, and has changed its destination to a socket of kube-proxy. New packets at this rule: {more}.',
        ko: '커널의 규칙이 라우팅 전에 {clusterIP}으로 가는 패킷을 골라 목적지를 kube-proxy의 소켓으로 바꾸었다. 이 규칙이 새로 센 패킷: {more}개.',
      },
      { clusterIP, more },
    )
    return {
      proof: {
        en: 'interfaces of the node that have the ClusterIP',
        ko: 'ClusterIP를 가진 노드의 인터페이스 수',
      },
      value: holders,
      answer: {
        en: 'No interface has {clusterIP} (counted here: {holders}). In userspace and iptables mode a ClusterIP exists only in rules of the kernel. They change the destination of each new connection before the kernel looks for a route; for one request, this rule has counted {more} packet. In ipvs mode the interface kube-ipvs0 has all ClusterIPs, but carries no packets.',
        ko: '{clusterIP}은 어느 인터페이스에도 없다(여기서 센 수: {holders}). userspace 모드와 iptables 모드에서 ClusterIP는 커널의 규칙 안에만 있다. 규칙은 커널이 경로를 찾기 전에 새 연결의 목적지를 바꾼다. 여기서는 요청 하나에 규칙이 패킷 {more}개를 세었다. ipvs 모드에서는 인터페이스 kube-ipvs0에 모든 ClusterIP가 있지만, 이 인터페이스로 패킷이 오가지는 않는다.',
      },
      values: { clusterIP, holders, more },
      holds: holders === 0 && more === 1 && pod !== '',
    }
  },
}
