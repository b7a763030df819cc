import { type Lesson } from '../lesson.js'
import { answersOf, requests } from '../requests.js'
import { countAnswers } from '../../ask/requests-by-pod.js'
import { serviceCounter } from '../service-counter.js'

export const serviceBasics: Lesson = {
  number: 1,
  title: { en: 'What a Service is', ko: '서비스란 무엇인가' },
  steps: [
    {
      title: { en: 'One address for three Pods', ko: '파드 세 개에 주소 하나' },
      say: {
        en: 'The Deployment nginx-deployment runs three Pods. Each has an IP of its own. The Service nginx-service gives them one address together: its ClusterIP 10.96.0.10, port 80. A client Pod now sends nine requests to this address, each on a new connection. The command counts which Pods answer.',
        ko: '디플로이먼트 nginx-deployment가 파드 세 개를 돌린다. 파드마다 자기 IP가 있다. 서비스 nginx-service는 이들 모두에게 주소 하나를 준다. ClusterIP 10.96.0.10, 포트 80이다. 이제 클라이언트 파드가 이 주소로 요청 아홉 개를 보낸다. 요청마다 새 연결을 쓴다. 명령은 어느 파드가 몇 번 응답했는지 센다.',
      },
      command: () => requests(9),
      question: { en: 'Which Pods answer the nine requests?', ko: '요청 아홉 개에 어느 파드가 응답하는가?' },
      choices: [
        { text: { en: 'always the same Pod', ko: '언제나 같은 파드' }, isSeen: ({ pods }) => pods === 1 },
        {
          text: { en: 'all three Pods', ko: '세 파드 모두' },
          isSeen: ({ pods, answers, more }) => pods === 3 && answers === 9 && more === 9,
        },
        {
          text: { en: 'none: a Pod has another address', ko: '없다. 파드의 주소는 다르다' },
          isSeen: ({ answers }) => answers === 0,
        },
      ],
      right: 1,
      proof: serviceCounter,
      observe: answersOf,
      why: {
        en: 'A Service is a stable address with a load balancer behind it. The proxy spreads connections over the Pods: {answers} answers came from {pods} Pods. A rule of the kernel for 10.96.0.10 has counted {more} new connections, one for each request.',
        ko: '서비스는 변하지 않는 주소이고, 그 뒤에 로드 밸런서가 있다. 프록시가 연결을 파드에 나눈다. 파드 {pods}개에서 응답 {answers}개가 왔다. 10.96.0.10을 위한 커널의 규칙은 새 연결을 {more}개 세었다. 요청마다 하나이다.',
      },
    },
    {
      title: { en: 'Where the address is', ko: '주소는 어디에 있는가' },
      say: {
        en: 'Every address that you know so far belongs to a network interface: of a Pod, of the node. The next command lists the interfaces of the node with their addresses.',
        ko: '지금까지 알던 주소는 모두 파드나 노드의 네트워크 인터페이스에 있다. 다음 명령은 노드의 인터페이스와 그 주소를 보여 준다.',
      },
      command: () => ({ where: 'node', line: 'ip -4 -brief address' }),
      question: { en: 'Which interface has 10.96.0.10?', ko: '어느 인터페이스에 10.96.0.10이 있는가?' },
      choices: [
        {
          text: { en: 'eth0, the way out of the node', ko: '노드 밖으로 나가는 eth0' },
          isSeen: ({ holders }) => String(holders).startsWith('eth0'),
        },
        {
          text: { en: 'cni0, the bridge to the Pods', ko: '파드로 이어지는 브리지 cni0' },
          isSeen: ({ holders }) => String(holders).startsWith('cni0'),
        },
        { text: { en: 'none', ko: '아무 데도 없다' }, isSeen: ({ holders }) => holders === 0 },
      ],
      right: 2,
      proof: {
        name: {
          en: 'interfaces of the node with the address 10.96.0.10',
          ko: '주소 10.96.0.10을 가진 노드의 인터페이스',
        },
        value: 'holders',
      },
      observe({ ran, lab: { service } }) {
        const lines = ran.output.split('\n')
        const having = lines.filter(line => line.includes(` ${service.clusterIP}/`)).map(line => line.split(' ')[0]!)
        return { interfaces: lines.length, holders: having.join(' ') || 0 }
      },
      why: {
        en: 'Of {interfaces} interfaces, {holders} have the address. The address exists only in rules of the kernel. They change the destination of a new connection before the kernel looks for a route, so no interface needs it. That is why ping and `ip address` do not find a Service.',
        ko: '인터페이스 {interfaces}개 가운데 그 주소를 가진 것: {holders}. 주소는 커널의 규칙 안에만 있다. 규칙은 커널이 경로를 찾기 전에 새 연결의 목적지를 바꾼다. 그래서 어느 인터페이스에도 주소가 없어도 된다. ping이나 `ip address`로 서비스를 찾을 수 없는 까닭이다.',
      },
    },
    {
      title: { en: 'Pods come and go', ko: '파드는 생기고 사라진다' },
      say: {
        en: 'A Pod does not live long. One of the three dies now, and the Deployment starts another one, with another name and another IP. The client knows nothing of this, and sends nine requests again.',
        ko: '파드는 오래 살지 않는다. 이제 셋 가운데 하나가 죽고, 디플로이먼트가 다른 파드를 시작한다. 이름도 IP도 다르다. 클라이언트는 이를 모른 채 다시 요청 아홉 개를 보낸다.',
      },
      async prepare({ lab, show }) {
        const [victim] = lab.pods
        show(await lab.kill(victim!), { en: '{pod} dies.', ko: '파드 하나가 죽는다({pod}).' }, { pod: victim!.name })
        const ran = await lab.replace(victim!)
        const pod = lab.pods.at(-1)!
        show(
          ran,
          { en: 'A new Pod runs: {pod}, with the IP {ip}.', ko: '새 파드가 돈다: {pod}, IP {ip}.' },
          { pod: pod.name, ip: pod.ip },
        )
      },
      command: () => requests(9),
      question: { en: 'What has to change in the client?', ko: '클라이언트에서 무엇을 바꿔야 하는가?' },
      choices: [
        {
          text: { en: 'nothing', ko: '바꿀 것이 없다' },
          isSeen: ({ fromNew, answers, more }) => Number(fromNew) > 0 && answers === 9 && more === 9,
        },
        {
          text: { en: 'the address that it uses', ko: '쓰는 주소' },
          isSeen: ({ answers }) => Number(answers) === 0,
        },
        {
          text: { en: 'it has to start again, to find the new Pod', ko: '다시 시작해야 새 파드를 찾는다' },
          isSeen: ({ fromNew, answers }) => Number(answers) > 0 && fromNew === 0,
        },
      ],
      right: 0,
      proof: serviceCounter,
      observe({ ran, more, lab: { pods } }) {
        const counts = countAnswers(ran.output)
        const newest = pods.at(-1)!.name
        const answers = [...counts.values()].reduce((sum, count) => sum + count, 0)
        return { newest, fromNew: counts.get(newest) ?? 0, answers, more }
      },
      why: {
        en: 'The ClusterIP stays, and the proxy follows the list of endpoints, which Kubernetes keeps up to date. The new Pod {newest} gave {fromNew} of {answers} answers, and the same rule counted {more} more connections.',
        ko: 'ClusterIP는 그대로이고, 프록시는 쿠버네티스가 늘 새로 고치는 엔드포인트 목록을 따라간다. 새 파드({newest})가 응답 {answers}개 가운데 {fromNew}개를 보냈고, 같은 규칙이 연결 {more}개를 더 세었다.',
      },
    },
  ],
}
