import { answersIn } from '../../ask/answers-in.js'
import { useMode } from '../../ask/use-mode.js'
import { BRIDGE_IP } from '../../demo/demo-network.js'
import { type Lesson } from '../lesson.js'
import { ONE_REQUEST, isInTurn, requestsInOrder } from '../requests.js'
import { serviceCounter } from '../service-counter.js'

export const ipvsMode: Lesson = {
  number: 4,
  title: { en: 'ipvs mode: the load balancer of the kernel', ko: 'ipvs 모드: 커널의 로드 밸런서' },
  mode: 'ipvs',
  steps: [
    {
      title: { en: 'Where the address is', ko: '주소는 어디에 있는가' },
      say: {
        en: 'IPVS is a load balancer inside the kernel. It handles packets for addresses of the node itself. In userspace and iptables mode no interface had 10.96.0.10.',
        ko: 'IPVS는 커널 안의 로드 밸런서이다. 노드 자신의 주소로 온 패킷을 처리한다. userspace 모드와 iptables 모드에서는 어느 인터페이스에도 10.96.0.10이 없었다.',
      },
      prepare: experiment => useMode(experiment, 'ipvs'),
      command: () => ({ where: 'node', line: 'ip -4 -brief address' }),
      question: { en: 'Which interface has 10.96.0.10 now?', ko: '이제 어느 인터페이스에 10.96.0.10이 있는가?' },
      choices: [
        { text: { en: 'none, as before', ko: '전처럼 아무 데도 없다' }, isSeen: ({ holder }) => holder === '' },
        {
          text: { en: 'kube-ipvs0, a new interface', ko: '새 인터페이스 kube-ipvs0' },
          isSeen: ({ holder }) => holder === 'kube-ipvs0',
        },
        {
          text: { en: 'eth0, the way out of the node', ko: '노드 밖으로 나가는 eth0' },
          isSeen: ({ holder }) => String(holder).startsWith('eth0'),
        },
      ],
      right: 1,
      proof: {
        name: { en: 'interface with the address 10.96.0.10', ko: '주소 10.96.0.10이 있는 인터페이스' },
        value: 'holder',
      },
      observe({ ran, lab: { service } }) {
        const line = ran.output.split('\n').find(each => each.includes(` ${service.clusterIP}/`))
        return { holder: line?.split(' ')[0] ?? '' }
      },
      why: {
        en: 'kube-proxy put the address on {holder}, a dummy interface. It carries no packet. It only makes the kernel take packets for the ClusterIP as its own, so that they reach IPVS. A ping reaches the node, too, but a ping is not for a port of a Service, so a rule of this proxy rejects it. With older kube-proxies the kernel answers it.',
        ko: 'kube-proxy가 더미 인터페이스({holder})에 주소를 두었다. 이 인터페이스로는 패킷이 오가지 않는다. 커널이 ClusterIP로 온 패킷을 자기 것으로 여겨 IPVS에 넘기게 할 뿐이다. 핑도 노드에 닿지만 서비스의 포트로 가는 것이 아니므로 이 프록시의 규칙이 거절한다. 예전 kube-proxy에서는 커널이 핑에 응답한다.',
      },
    },
    {
      title: { en: 'Whose turn is it?', ko: '누구 차례인가?' },
      say: {
        en: 'Each Service port is a virtual server of IPVS, with the Pods as real servers. The scheduler is "rr". The client sends nine requests; the output is the order of the Pods.',
        ko: '서비스 포트마다 IPVS의 가상 서버가 있고, 파드가 그 실제 서버이다. 스케줄러는 "rr"이다. 클라이언트가 요청 아홉 개를 보낸다. 출력은 응답한 파드의 순서이다.',
      },
      command: () => requestsInOrder(9),
      question: { en: 'In which order do the Pods answer?', ko: '파드는 어떤 순서로 응답하는가?' },
      choices: [
        {
          text: { en: 'at random, as in iptables mode', ko: 'iptables 모드처럼 무작위로' },
          isSeen: ({ order }) => !isInTurn(String(order), 3) && new Set(String(order).split(' ')).size > 1,
        },
        {
          text: { en: 'one Pod answers all', ko: '한 파드가 모두 응답한다' },
          isSeen: ({ order }) => new Set(String(order).split(' ')).size === 1,
        },
        {
          text: { en: 'in turn', ko: '번갈아' },
          isSeen: ({ order, more }) => isInTurn(String(order), 3) && more === 9,
        },
      ],
      right: 2,
      proof: serviceCounter,
      observe: ({ ran, more }) => ({ order: ran.output.trim(), more }),
      why: {
        en: 'The order was {order}: "rr" is round robin, and the kernel keeps the turn itself. The virtual server counted {more} connections (column Conns). IPVS also has other schedulers (--ipvs-scheduler).',
        ko: '순서는 다음과 같았다: {order}. "rr"는 라운드 로빈이고, 커널이 직접 차례를 지킨다. 가상 서버는 연결 {more}개를 세었다(Conns 열). IPVS에는 다른 스케줄러도 있다(--ipvs-scheduler).',
      },
    },
    {
      title: { en: 'Who is the client?', ko: '클라이언트는 누구인가?' },
      say: {
        en: 'One request more. The Pod answers with the address from which it came.',
        ko: '요청을 하나 더 보낸다. 파드는 요청이 온 주소를 응답에 적는다.',
      },
      command: () => ONE_REQUEST,
      question: { en: 'Which client address does the Pod see?', ko: '파드에는 어느 클라이언트 주소가 보이는가?' },
      choices: [
        {
          text: { en: 'that of the node, as in userspace mode', ko: 'userspace 모드처럼 노드의 주소' },
          isSeen: ({ seen }) => seen === BRIDGE_IP,
        },
        {
          text: { en: 'that of the client Pod, as in iptables mode', ko: 'iptables 모드처럼 클라이언트 파드의 주소' },
          isSeen: ({ seen, client, more }) => seen === client && more === 1,
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
        en: 'The Pod saw {seen}, and the client has {client}: IPVS changes only the destination. The virtual server counted {more} connection. With thousands of Services IPVS still finds the right one by one look into a table; iptables compares rule after rule.',
        ko: '파드에 보인 주소는 {seen}이고, 클라이언트의 주소는 {client}이다. IPVS는 목적지만 바꾼다. 가상 서버가 센 연결: {more}개. 서비스가 수천 개여도 IPVS는 표를 한 번 찾아보면 되지만, iptables는 규칙을 하나씩 견준다.',
      },
    },
  ],
}
