import { answersIn } from '../../ask/answers-in.js'
import { BRIDGE_IP } from '../../demo/demo-network.js'
import { holdRequest } from '../hold-request.js'
import { type Lesson } from '../lesson.js'
import { ONE_REQUEST, isInTurn, requestsInOrder } from '../requests.js'
import { serviceCounter } from '../service-counter.js'
import { socketCount } from '../socket-count.js'

export const userspaceMode: Lesson = {
  number: 2,
  title: { en: 'Userspace mode: kube-proxy carries the bytes', ko: 'userspace 모드: kube-proxy가 바이트를 나른다' },
  steps: [
    {
      title: { en: 'Who moves the packet?', ko: '누가 패킷을 나르는가?' },
      say: {
        en: 'In userspace mode a rule sends each new connection for 10.96.0.10 to a port of kube-proxy. The client has one request open now. The next command lists the TCP connections of the node, each with the program that has the socket.',
        ko: 'userspace 모드에서는 규칙이 10.96.0.10으로 가는 새 연결을 kube-proxy의 포트로 보낸다. 지금 클라이언트의 요청 하나가 열려 있다. 다음 명령은 노드의 TCP 연결과, 그 소켓을 가진 프로그램을 보여 준다.',
      },
      prepare: ({ lab }) => holdRequest(lab),
      question: {
        en: 'How many sockets does kube-proxy have for this one connection of the client?',
        ko: '클라이언트의 이 연결 하나를 위해 kube-proxy에는 소켓이 몇 개 있는가?',
      },
      ...socketCount(2),
      why: {
        en: 'It has {sockets}: one to the client, one to the Pod. There are two connections, and kube-proxy copies every byte from one to the other. So it can try another Pod if the first does not answer. It also costs processor time for each byte.',
        ko: '{sockets}개이다. 하나는 클라이언트로, 하나는 파드로 이어진다. 연결이 두 개이고, kube-proxy가 모든 바이트를 한쪽에서 다른 쪽으로 복사한다. 그래서 첫 파드가 응답하지 않으면 다른 파드에 시도할 수 있다. 그 대신 바이트마다 프로세서 시간이 든다.',
      },
    },
    {
      title: { en: 'Whose turn is it?', ko: '누구 차례인가?' },
      say: {
        en: 'kube-proxy chooses the Pod, once for each connection. The client sends nine requests. The output is the number of the Pod of each answer, in order.',
        ko: 'kube-proxy가 연결마다 한 번 파드를 고른다. 클라이언트가 요청 아홉 개를 보낸다. 출력은 응답한 파드의 번호를 차례로 적은 것이다.',
      },
      command: () => requestsInOrder(9),
      question: { en: 'In which order do the Pods answer?', ko: '파드는 어떤 순서로 응답하는가?' },
      choices: [
        {
          text: { en: 'at random', ko: '무작위로' },
          isSeen: ({ order }) => !isInTurn(String(order), 3) && new Set(String(order).split(' ')).size > 1,
        },
        {
          text: { en: 'in turn, as in 1 2 3 1 2 3', ko: '1 2 3 1 2 3처럼 번갈아' },
          isSeen: ({ order, more }) => isInTurn(String(order), 3) && more === 9,
        },
        {
          text: { en: 'one Pod answers all', ko: '한 파드가 모두 응답한다' },
          isSeen: ({ order }) => new Set(String(order).split(' ')).size === 1,
        },
      ],
      right: 1,
      proof: serviceCounter,
      observe: ({ ran, more }) => ({ order: ran.output.trim(), more }),
      why: {
        en: 'The Pods took turns: {order}. kube-proxy keeps a list of endpoints and takes the next one (round robin). The rule counted {more} connections: it sees only the first packet of each, and the kernel treats the other packets like the first.',
        ko: '파드가 번갈아 응답했다: {order}. kube-proxy는 엔드포인트 목록에서 다음 것을 고른다(라운드 로빈). 규칙은 연결을 {more}개 세었다. 규칙은 연결의 첫 패킷만 보고, 커널은 나머지 패킷을 첫 패킷과 똑같이 다룬다.',
      },
    },
    {
      title: { en: 'Who is the client?', ko: '클라이언트는 누구인가?' },
      say: {
        en: 'A Pod of the demo answers with its own name, and with the address from which the request came.',
        ko: '데모의 파드는 자기 이름과 요청이 온 주소를 응답에 적는다.',
      },
      command: () => ONE_REQUEST,
      question: { en: 'Which client address does the Pod see?', ko: '파드에는 어느 클라이언트 주소가 보이는가?' },
      choices: [
        {
          text: { en: 'that of the client Pod', ko: '클라이언트 파드의 주소' },
          isSeen: ({ seen, client }) => seen === client,
        },
        {
          text: { en: 'that of the node', ko: '노드의 주소' },
          isSeen: ({ seen, more }) => seen === BRIDGE_IP && more === 1,
        },
        { text: { en: 'the ClusterIP', ko: '서비스의 ClusterIP' }, isSeen: ({ seen }) => seen === '10.96.0.10' },
      ],
      right: 1,
      proof: serviceCounter,
      observe: ({ ran, more, lab }) => ({
        seen: answersIn(ran.output)[0]?.client ?? '',
        client: lab.clientIP,
        more,
      }),
      why: {
        en: 'The Pod saw {seen}, an address of the node, and not {client}: kube-proxy opened the connection to the Pod itself. In this mode no Pod ever sees the address of its client. (Connections that the rule counted: {more}.)',
        ko: '파드에는 클라이언트({client})가 아니라 노드의 주소({seen})가 보였다. 파드로 가는 연결은 kube-proxy가 직접 열었기 때문이다. 이 모드에서는 어느 파드에도 클라이언트의 주소가 보이지 않는다. (규칙이 센 연결: {more}개.)',
      },
    },
  ],
}
