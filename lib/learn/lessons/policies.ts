import { answersIn } from '../../ask/answers-in.js'
import { giveNodePort } from '../../ask/give-node-port.js'
import { type Place } from '../../ask/lab.js'
import { PATIENCE } from '../../ask/patience.js'
import { useMode } from '../../ask/use-mode.js'
import { BRIDGE_IP, NODE_IP, OUTSIDE_IP } from '../../demo/demo-network.js'
import { type Choice, type Command, type Lesson, type Seen } from '../lesson.js'
import { ANY, ruleCounter } from '../rule-counter.js'

const NODE_PORT = 30080

export const policies: Lesson = {
  number: 9,
  title: { en: 'Traffic policies: Cluster and Local', ko: '트래픽 정책: Cluster와 Local' },
  steps: [
    {
      title: { en: 'externalTrafficPolicy: Cluster', ko: 'externalTrafficPolicy: Cluster' },
      say: {
        en: 'The Service has the NodePort 30080 and the default policy, Cluster: a node may send a request from outside to a Pod on any node. A host outside, 192.168.50.2, sends a request.',
        ko: '서비스에 NodePort 30080이 있고, 정책은 기본값인 Cluster이다. 노드는 밖에서 온 요청을 어느 노드의 파드로든 보낼 수 있다. 밖의 호스트 192.168.50.2가 요청을 보낸다.',
      },
      async prepare(experiment) {
        await useMode(experiment, 'iptables')
        await giveNodePort(experiment, NODE_PORT)
      },
      command: () => request(),
      question: { en: 'Which client address does the Pod see?', ko: '파드에는 어느 클라이언트 주소가 보이는가?' },
      choices: seenAddresses(),
      right: 1,
      proof: ruleCounter('KUBE-NODEPORTS', ANY, NODE_PORT),
      observe: seenOf,
      why: {
        en: 'The Pod saw {seen}, an address of the node: the kernel replaced the source, too. The Pod may be on another node, and without this its answer would take another way back. The rule counted {more} connection.',
        ko: '파드에는 노드의 주소({seen})가 보였다. 커널이 출발지 주소도 바꾸었다. 파드가 다른 노드에 있을 수도 있고, 그대로 두면 응답이 다른 길로 돌아가기 때문이다. 규칙이 센 연결: {more}개.',
      },
    },
    {
      title: { en: 'externalTrafficPolicy: Local', ko: 'externalTrafficPolicy: Local' },
      say: {
        en: 'With the policy Local a node sends such a request only to Pods of its own. All three Pods are on this node.',
        ko: 'Local 정책에서 노드는 그런 요청을 자기 파드로만 보낸다. 파드 세 개가 모두 이 노드에 있다.',
      },
      async prepare({ lab, show }) {
        show(
          await lab.changeService(
            { spec: { type: 'NodePort', externalTrafficPolicy: 'Local' }, nodeName: lab.nodeName },
            `kubectl patch service nginx-service --patch '{"spec":{"externalTrafficPolicy":"Local"}}'`,
          ),
          { en: 'The policy is Local.', ko: '정책은 Local이다.' },
        )
      },
      command: () => request(),
      question: {
        en: 'Which client address does the Pod see now?',
        ko: '이제 파드에는 어느 클라이언트 주소가 보이는가?',
      },
      choices: seenAddresses(),
      right: 0,
      proof: ruleCounter('KUBE-NODEPORTS', ANY, NODE_PORT),
      observe: seenOf,
      why: {
        en: 'The Pod saw {seen}, the host outside. The answer comes back by this node in any case, so the source can stay. The rule counted {more} connection. Use this policy if a program needs the address of its clients.',
        ko: '파드에 밖의 호스트({seen})가 보였다. 응답은 어차피 이 노드를 거쳐 돌아가므로 출발지 주소를 그대로 둘 수 있다. 규칙이 센 연결: {more}개. 프로그램에 클라이언트의 주소가 필요하면 이 정책을 쓴다.',
      },
    },
    {
      title: { en: 'A node without a Pod', ko: '파드가 없는 노드' },
      say: {
        en: 'The policy stays Local. But now all Pods of the Service are on another node. The host outside asks this node again, and waits one second.',
        ko: '정책은 그대로 Local이다. 그런데 이제 서비스의 모든 파드가 다른 노드에 있다. 밖의 호스트가 다시 이 노드에 요청하고 1초 기다린다.',
      },
      async prepare({ lab, show }) {
        show(await lab.changeService({ nodeName: 'another-node' }, 'kubectl get pods -o wide'), {
          en: 'All Pods are on another node.',
          ko: '모든 파드가 다른 노드에 있다.',
        })
      },
      command: () => request(PATIENCE.silence),
      mayFail: true,
      question: { en: 'What does the host get?', ko: '호스트는 무엇을 받는가?' },
      choices: [
        {
          text: { en: 'an answer of a Pod on the other node', ko: '다른 노드에 있는 파드의 응답' },
          isSeen: ({ code }) => code === 0,
        },
        { text: { en: '"connection refused"', ko: '"연결 거부"' }, isSeen: ({ code }) => code === 7 },
        {
          text: { en: 'nothing', ko: '아무것도 받지 못한다' },
          isSeen: ({ code, more }) => code === 28 && Number(more) > 0,
        },
      ],
      right: 2,
      proof: ruleCounter('KUBE-EXTERNAL-SERVICES', ANY, NODE_PORT, 'filter'),
      observe: ({ ran, more }) => ({ code: ran.exitCode, more }),
      why: {
        en: 'A rule drops packets for a NodePort without a Pod on this node. It counted {more}, and curl ended with code {code}: timeout. A load balancer asks each node by its healthCheckNodePort and leaves such nodes out; a client with a fixed node does not.',
        ko: '이 노드에 파드가 없는 NodePort로 온 패킷은 규칙이 버린다. 규칙이 센 패킷은 {more}개이고, curl은 코드 {code}(시간 초과)로 끝났다. 로드 밸런서는 노드마다 healthCheckNodePort로 확인해 그런 노드를 빼지만, 노드를 정해 놓고 쓰는 클라이언트는 그러지 못한다.',
      },
    },
  ],
}

function request(patience: readonly string[] = PATIENCE.answer): Command & { readonly where: Place } {
  return { where: 'outside', line: `curl -sS ${patience.join(' ')} http://${NODE_IP}:${NODE_PORT}` }
}

function seenAddresses(): readonly Choice[] {
  return [
    {
      text: { en: 'that of the host outside', ko: '밖에 있는 호스트의 주소' },
      isSeen: ({ seen, more }) => seen === OUTSIDE_IP && more === 1,
    },
    {
      text: { en: 'that of the node', ko: '노드의 주소' },
      isSeen: ({ seen, more }) => seen === BRIDGE_IP && more === 1,
    },
    { text: { en: 'the ClusterIP', ko: '서비스의 ClusterIP' }, isSeen: ({ seen }) => seen === '10.96.0.10' },
  ]
}

function seenOf({ ran, more }: Seen): { readonly seen: string; readonly more: number } {
  return { seen: answersIn(ran.output)[0]?.client ?? '', more }
}
