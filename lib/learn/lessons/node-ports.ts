import { answersIn } from '../../ask/answers-in.js'
import { giveNodePort } from '../../ask/give-node-port.js'
import { PATIENCE } from '../../ask/patience.js'
import { useMode } from '../../ask/use-mode.js'
import { NODE_IP } from '../../demo/demo-network.js'
import { type Lesson } from '../lesson.js'
import { ANY, ruleCounter } from '../rule-counter.js'
import { serviceCounter } from '../service-counter.js'

const NODE_PORT = 30080

export const nodePorts: Lesson = {
  number: 8,
  title: { en: 'NodePorts: the way in from outside', ko: 'NodePort: 밖에서 들어오는 길' },
  steps: [
    {
      title: { en: 'The ClusterIP from outside', ko: '밖에서 쓰는 ClusterIP' },
      say: {
        en: 'The proxy runs in iptables mode. A host outside the cluster sends a request to 10.96.0.10, and waits one second for an answer.',
        ko: '프록시가 iptables 모드로 돈다. 클러스터 밖의 호스트가 10.96.0.10으로 요청을 보내고 응답을 1초 기다린다.',
      },
      prepare: experiment => useMode(experiment, 'iptables'),
      command: () => ({ where: 'outside', line: `curl -sS ${PATIENCE.silence.join(' ')} http://10.96.0.10` }),
      mayFail: true,
      question: { en: 'What does it get?', ko: '무엇을 받는가?' },
      choices: [
        { text: { en: 'an answer of a Pod', ko: '파드의 응답' }, isSeen: ({ code }) => code === 0 },
        { text: { en: '"connection refused"', ko: '"연결 거부"' }, isSeen: ({ code }) => code === 7 },
        { text: { en: 'nothing', ko: '아무것도 받지 못한다' }, isSeen: ({ code, more }) => code === 28 && more === 0 },
      ],
      right: 2,
      proof: serviceCounter,
      observe: ({ ran, more }) => ({ code: ran.exitCode, more }),
      why: {
        en: 'Only nodes of the cluster have rules for 10.96.0.10, and this host has no route to them with that address. Its packet went to a gateway that drops it. The rule of the node counted {more} packets, and curl ended with code {code}: timeout.',
        ko: '10.96.0.10을 위한 규칙은 클러스터의 노드에만 있고, 이 호스트에는 그 주소로 노드에 가는 경로가 없다. 패킷은 게이트웨이로 가서 버려졌다. 노드의 규칙이 센 패킷은 {more}개이고, curl은 코드 {code}(시간 초과)로 끝났다.',
      },
    },
    {
      title: { en: 'A port of the node', ko: '노드의 포트' },
      say: {
        en: 'Now the Service gets the type NodePort, with port 30080. The host outside sends its request to this port of the node.',
        ko: '이제 서비스의 종류를 NodePort로 하고 포트 30080을 준다. 밖의 호스트가 노드의 이 포트로 요청을 보낸다.',
      },
      prepare: experiment => giveNodePort(experiment, NODE_PORT),
      command: () => ({
        where: 'outside',
        line: `curl -sS ${PATIENCE.answer.join(' ')} http://${NODE_IP}:${NODE_PORT}`,
      }),
      question: { en: 'What answers?', ko: '무엇이 응답하는가?' },
      choices: [
        { text: { en: 'nothing', ko: '아무것도 응답하지 않는다' }, isSeen: ({ pod }) => pod === '' },
        { text: { en: 'a Pod', ko: '파드' }, isSeen: ({ pod, more }) => pod !== '' && more === 1 },
      ],
      right: 1,
      proof: ruleCounter('KUBE-NODEPORTS', ANY, NODE_PORT),
      observe: ({ ran, more }) => ({ pod: answersIn(ran.output)[0]?.pod ?? '', more }),
      why: {
        en: '{pod} answered. A host outside can reach the node, and a rule in the chain KUBE-NODEPORTS takes what comes to port 30080 and sends it to a Pod. It counted {more} connection. Every node of a cluster has this rule, also a node without a Pod of the Service.',
        ko: '응답한 파드: {pod}. 밖의 호스트는 노드에 닿을 수 있고, 체인 KUBE-NODEPORTS의 규칙이 포트 30080으로 온 것을 파드로 보낸다. 규칙이 센 연결: {more}개. 이 규칙은 서비스의 파드가 없는 노드까지 클러스터의 모든 노드에 있다.',
      },
    },
    {
      title: { en: 'Who listens?', ko: '누가 리스닝하는가?' },
      say: {
        en: 'The port works. The next command lists the programs of the node that listen on port 30080.',
        ko: '포트는 동작한다. 다음 명령은 노드에서 포트 30080에 리스닝하는 프로그램을 보여 준다.',
      },
      command: () => ({ where: 'node', line: `ss -Hltnp sport = :${NODE_PORT}` }),
      question: { en: 'Which program listens?', ko: '어느 프로그램이 리스닝하는가?' },
      choices: [
        { text: { en: 'kube-proxy', ko: 'kube-proxy' }, isSeen: ({ listeners }) => listeners === 1 },
        { text: { en: 'none', ko: '없다' }, isSeen: ({ listeners }) => listeners === 0 },
      ],
      right: 1,
      proof: {
        name: { en: 'sockets that listen on port 30080', ko: '포트 30080에서 리스닝하는 소켓' },
        value: 'listeners',
      },
      observe: ({ ran }) => ({ listeners: ran.output.match(/^LISTEN/gm)?.length ?? 0 }),
      why: {
        en: 'Sockets that listen: {listeners}. The rule changes the destination of the packet before any socket could see it. So look for a NodePort with `iptables -t nat -L KUBE-NODEPORTS -n -v`, not with `ss`. In userspace mode kube-proxy does listen on the port.',
        ko: '리스닝하는 소켓: {listeners}개. 어떤 소켓도 패킷을 보기 전에 규칙이 목적지를 바꾼다. 그래서 NodePort는 `ss`가 아니라 `iptables -t nat -L KUBE-NODEPORTS -n -v`로 찾는다. userspace 모드에서는 kube-proxy가 포트에서 리스닝한다.',
      },
    },
  ],
}
