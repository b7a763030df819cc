import { answersIn } from '../../ask/answers-in.js'
import { findServiceChain } from '../../ask/find-service-chain.js'
import { readChain } from '../../ask/read-chain.js'
import { useMode } from '../../ask/use-mode.js'
import { BRIDGE_IP } from '../../demo/demo-network.js'
import { holdRequest } from '../hold-request.js'
import { type Counter, type Lesson } from '../lesson.js'
import { ONE_REQUEST, isInTurn, requestsInOrder } from '../requests.js'
import { serviceCounter } from '../service-counter.js'
import { socketCount } from '../socket-count.js'

/** The rules that choose a Pod at random. */
const choosingRules: Counter = {
  name: {
    en: 'connections that the three rules of the Service have counted together',
    ko: '서비스의 세 규칙이 모두 합해 센 연결',
  },
  async read(lab) {
    const { ran, rules } = await readChain(lab, await findServiceChain(lab))
    const choices = rules.filter(({ text }) => text.startsWith('KUBE-SEP-'))
    return { ran, value: choices.reduce((sum, { packets }) => sum + packets, 0) }
  },
}

export const iptablesMode: Lesson = {
  number: 3,
  title: { en: 'iptables mode: the kernel carries the packets', ko: 'iptables 모드: 커널이 패킷을 나른다' },
  steps: [
    {
      title: { en: 'Who moves the packet?', ko: '누가 패킷을 나르는가?' },
      say: {
        en: 'In iptables mode kube-proxy only writes rules. Again the client has one request open, and the command lists the TCP connections of the node.',
        ko: 'iptables 모드에서 kube-proxy는 규칙만 쓴다. 이번에도 클라이언트의 요청 하나가 열려 있고, 명령은 노드의 TCP 연결을 보여 준다.',
      },
      async prepare(experiment) {
        await useMode(experiment, 'iptables')
        return holdRequest(experiment.lab)
      },
      question: {
        en: 'How many sockets does kube-proxy have for this connection?',
        ko: '이 연결을 위해 kube-proxy에는 소켓이 몇 개 있는가?',
      },
      ...socketCount(0),
      why: {
        en: 'It has {sockets}. There is one connection, from the client to the Pod. A rule replaced its destination 10.96.0.10 by the address of the Pod (DNAT), and the kernel forwards its packets. kube-proxy never sees them.',
        ko: '{sockets}개이다. 연결은 클라이언트에서 파드까지 하나이다. 규칙이 목적지 10.96.0.10을 파드의 주소로 바꾸었고(DNAT), 커널이 패킷을 전달한다. kube-proxy는 패킷을 전혀 보지 않는다.',
      },
    },
    {
      title: { en: 'Three rules with a probability', ko: '확률이 있는 규칙 세 개' },
      say: {
        en: 'The Service has a chain with one rule for each Pod. The first matches with probability 1/3, the second with 1/2, the third always. The client sends thirty requests; the output is the order of the Pods.',
        ko: '서비스에는 파드마다 규칙이 하나씩 있는 체인이 있다. 첫째 규칙은 확률 1/3로, 둘째는 1/2로, 셋째는 언제나 맞는다. 클라이언트가 요청 서른 개를 보낸다. 출력은 응답한 파드의 순서이다.',
      },
      command: () => requestsInOrder(30),
      question: { en: 'In which order do the Pods answer?', ko: '파드는 어떤 순서로 응답하는가?' },
      choices: [
        {
          text: { en: 'in turn, as in userspace mode', ko: 'userspace 모드처럼 번갈아' },
          isSeen: ({ order }) => isInTurn(String(order), 3),
        },
        {
          text: { en: 'at random, each about a third', ko: '무작위로, 저마다 3분의 1쯤' },
          isSeen: ({ order, more }) =>
            !isInTurn(String(order), 3) && new Set(String(order).split(' ')).size === 3 && more === 30,
        },
        {
          text: { en: 'the first Pod most often', ko: '첫 파드가 가장 자주' },
          isSeen: ({ order }) => new Set(String(order).split(' ')).size < 3,
        },
      ],
      right: 1,
      proof: choosingRules,
      observe: ({ ran, more }) => ({ order: ran.output.trim(), more }),
      why: {
        en: 'The order was {order}. The kernel chooses at random for each connection. A rule sees only what the rules before it have left: 1/3 of all, then half of the other two thirds, then the rest. So each Pod gets a third on average. Together the three rules counted {more} connections.',
        ko: '순서는 다음과 같았다: {order}. 커널이 연결마다 무작위로 고른다. 규칙은 앞의 규칙이 남긴 것만 본다. 전체의 1/3, 남은 3분의 2의 절반, 그리고 나머지이다. 그래서 파드마다 평균 3분의 1을 받는다. 세 규칙은 합해서 연결 {more}개를 세었다.',
      },
    },
    {
      title: { en: 'Who is the client?', ko: '클라이언트는 누구인가?' },
      say: {
        en: 'In userspace mode the Pod saw the address of the node. Now one request in iptables mode.',
        ko: 'userspace 모드에서는 파드에 노드의 주소가 보였다. 이제 iptables 모드에서 요청을 하나 보낸다.',
      },
      command: () => ONE_REQUEST,
      question: { en: 'Which client address does the Pod see?', ko: '파드에는 어느 클라이언트 주소가 보이는가?' },
      choices: [
        {
          text: { en: 'that of the client Pod', ko: '클라이언트 파드의 주소' },
          isSeen: ({ seen, client, more }) => seen === client && more === 1,
        },
        { text: { en: 'that of the node', ko: '노드의 주소' }, isSeen: ({ seen }) => seen === BRIDGE_IP },
        { text: { en: 'the ClusterIP', ko: '서비스의 ClusterIP' }, isSeen: ({ seen }) => seen === '10.96.0.10' },
      ],
      right: 0,
      proof: serviceCounter,
      observe: ({ ran, more, lab }) => ({
        seen: answersIn(ran.output)[0]?.client ?? '',
        client: lab.clientIP,
        more,
      }),
      why: {
        en: 'The Pod saw {seen}, and the client has {client}. The kernel changed only the destination of the packet, so the source stayed. The rule counted {more} connection.',
        ko: '파드에 보인 주소는 {seen}이고, 클라이언트의 주소는 {client}이다. 커널은 패킷의 목적지만 바꾸었고 출발지 주소는 그대로 두었다. 규칙이 센 연결: {more}개.',
      },
    },
  ],
}
