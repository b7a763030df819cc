import { BRIDGE_IP } from '../../demo/demo-network.js'
import { CURL, type Question } from '../question.js'
import { answersIn } from '../answers-in.js'
import { PATIENCE } from '../patience.js'
import { useMode } from '../use-mode.js'
import { giveNodePort } from '../give-node-port.js'

const NODE_PORT = 30080

export const clientAddress: Question = {
  number: 12,
  title: {
    en: "Which client address does the Pod see, and why the node's?",
    ko: '파드에는 어느 클라이언트 주소가 보이는가? 왜 노드의 주소인가?',
  },
  asked: ['kubernetes#58338', 'klipper-lb#31'],
  words: ['source ip', 'snat', 'masquerade', 'externalTrafficPolicy', 'x-forwarded-for', '소스 IP'],
  programs: CURL,
  async run(experiment) {
    const { lab, show } = experiment
    const { clusterIP } = lab.service
    const seenAt = async (from: 'client' | 'outside', url: string) => {
      const ran = await lab.run(from, 'curl', '-s', ...PATIENCE.answer, url)
      return { ran, client: answersIn(ran.output)[0]?.client ?? '' }
    }
    const userspace = await seenAt('client', `http://${clusterIP}`)
    show(
      userspace.ran,
      {
        en: 'Userspace mode: kube-proxy opens its own connection to the Pod, so the Pod sees the node ({seen}), not the client ({client}).',
        ko: 'userspace 모드: kube-proxy가 파드로 자기 연결을 연다. 그래서 파드에는 클라이언트({client})가 아니라 노드({seen})가 보인다.',
      },
      { seen: userspace.client, client: lab.clientIP },
    )
    await useMode(experiment, 'iptables')
    const iptables = await seenAt('client', `http://${clusterIP}`)
    show(
      iptables.ran,
      {
        en: 'iptables mode: the kernel changes only the destination. The Pod sees the client: {seen}.',
        ko: 'iptables 모드: 커널은 목적지만 바꾼다. 파드에 클라이언트가 보인다: {seen}.',
      },
      { seen: iptables.client },
    )
    await giveNodePort(experiment, NODE_PORT)
    const cluster = await seenAt('outside', `http://${lab.nodeIP}:${NODE_PORT}`)
    show(
      cluster.ran,
      {
        en: 'A host outside ({outside}) uses the NodePort. The Pod may be on another node, so the kernel replaces the source, too: then the answer comes back by this node. The Pod sees {seen}.',
        ko: '밖의 호스트({outside})가 NodePort를 쓴다. 파드가 다른 노드에 있을 수도 있으므로 커널은 출발지 주소도 바꾼다. 그래야 응답이 이 노드를 거쳐 돌아온다. 파드에 보이는 주소: {seen}.',
      },
      { outside: lab.outsideIP, seen: cluster.client },
    )
    const spec = { type: 'NodePort', externalTrafficPolicy: 'Local' }
    show(
      await lab.changeService(
        { spec, nodeName: lab.nodeName },
        `kubectl patch service nginx-service --patch '{"spec":{"externalTrafficPolicy":"Local"}}'`,
      ),
      {
        en: 'With this policy only Pods of the same node serve, so the source can stay.',
        ko: '이 정책에서는 같은 노드의 파드만 처리하므로 출발지 주소를 그대로 둘 수 있다.',
      },
    )
    const local = await seenAt('outside', `http://${lab.nodeIP}:${NODE_PORT}`)
    show(local.ran, { en: 'The Pod sees {seen}.', ko: '파드에 보이는 주소: {seen}.' }, { seen: local.client })
    return {
      proof: {
        en: 'addresses that the Pod saw: userspace, iptables, NodePort, NodePort with policy Local',
        ko: '파드에 보인 주소: userspace, iptables, NodePort, Local 정책의 NodePort',
      },
      value: [userspace, iptables, cluster, local].map(({ client }) => client).join(', '),
      answer: {
        en: "In userspace mode always the node's ({node}), for the node opens the connection. In iptables mode a client in the cluster keeps its address ({client}), and one outside gets the node's ({masqueraded}), so that the answer finds its way back. externalTrafficPolicy: Local keeps the address from outside ({outside}).",
        ko: 'userspace 모드에서는 늘 노드의 주소({node})이다. 노드가 연결을 열기 때문이다. iptables 모드에서는 클러스터 안의 클라이언트는 자기 주소({client})를 그대로 유지하고, 밖의 클라이언트의 주소는 응답이 돌아올 길을 찾도록 노드의 주소({masqueraded})로 바뀐다. externalTrafficPolicy: Local이면 밖의 주소({outside})가 그대로 보인다.',
      },
      values: {
        node: userspace.client,
        client: iptables.client,
        masqueraded: cluster.client,
        outside: local.client,
      },
      holds:
        userspace.client === BRIDGE_IP &&
        iptables.client === lab.clientIP &&
        cluster.client === BRIDGE_IP &&
        local.client === lab.outsideIP,
    }
  },
}
