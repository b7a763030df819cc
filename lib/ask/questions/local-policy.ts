import { CURL, type Question } from '../question.js'
import { answersIn } from '../answers-in.js'
import { nodePortCommand } from '../node-port-command.js'
import { PATIENCE } from '../patience.js'
import { packetsTo, readChain } from '../read-chain.js'

const NODE_PORT = 30080

export const localPolicy: Question = {
  number: 13,
  title: { en: 'Why does policy Local hang at some nodes?', ko: '왜 Local 정책에서는 일부 노드가 응답하지 않는가?' },
  asked: ['kubernetes#66354', 'kubernetes#74383'],
  words: ['externalTrafficPolicy', 'internalTrafficPolicy', 'hang', 'drop', 'node port', '정책'],
  programs: CURL,
  async run({ lab, show }) {
    const ports = lab.service.ports.map(port => ({ ...port, nodePort: NODE_PORT }))
    const spec = { type: 'NodePort', externalTrafficPolicy: 'Local' }
    const url = `http://${lab.nodeIP}:${NODE_PORT}`
    show(await lab.setMode('iptables'), {
      en: 'The proxy runs in iptables mode.',
      ko: '프록시가 iptables 모드로 돈다.',
    })
    show(
      await lab.changeService(
        { ports, spec, nodeName: lab.nodeName },
        nodePortCommand(NODE_PORT, { externalTrafficPolicy: 'Local' }),
      ),
      {
        en: 'A NodePort with externalTrafficPolicy: Local. All Pods are on this node.',
        ko: 'externalTrafficPolicy: Local인 NodePort이다. 모든 파드가 이 노드에 있다.',
      },
    )
    const here = await lab.run('outside', 'curl', '-sS', ...PATIENCE.answer, url)
    const seen = answersIn(here.output)[0]?.client ?? ''
    show(
      here,
      {
        en: 'A host outside gets an answer, and the Pod sees its address: {seen}.',
        ko: '밖의 호스트가 응답을 받고, 파드에 그 주소가 보인다: {seen}.',
      },
      { seen },
    )
    show(await lab.changeService({ nodeName: 'another-node' }, 'kubectl get pods -o wide'), {
      en: 'Now all Pods are on another node.',
      ko: '이제 모든 파드가 다른 노드에 있다.',
    })
    const away = await lab.run('outside', 'curl', '-sS', ...PATIENCE.silence, url)
    show(
      away,
      {
        en: 'The same request hangs: curl gives up with code {code}.',
        ko: '같은 요청에 응답이 없다. curl은 포기하고 코드 {code}로 끝난다.',
      },
      { code: away.exitCode },
    )
    const { ran, rules } = await readChain(lab, 'KUBE-EXTERNAL-SERVICES', 'filter')
    const dropped = packetsTo(rules, '0.0.0.0/0', NODE_PORT)
    show(
      ran,
      {
        en: 'A rule drops packets for a NodePort without Pods on this node. It has counted {dropped}.',
        ko: '이 노드에 파드가 없는 NodePort로 오는 패킷은 규칙이 버린다. 규칙이 센 패킷: {dropped}개.',
      },
      { dropped },
    )
    return {
      proof: {
        en: 'packets that the rule dropped at the node without Pods',
        ko: '파드가 없는 노드에서 규칙이 버린 패킷 수',
      },
      value: dropped,
      answer: {
        en: 'With policy Local a node serves only with its own Pods, so that they see the real client ({seen}). A node without one drops the packet: {dropped} here, and curl ended with code {code}. Load balancers find the right nodes by healthCheckNodePort; a client that picks nodes itself does not, so use policy Cluster, or a Pod on each node.',
        ko: 'Local 정책에서 노드는 자기 파드로만 처리한다. 그래야 파드에 진짜 클라이언트({seen})가 보인다. 파드가 없는 노드는 패킷을 버린다. 여기서는 {dropped}개였고, curl은 코드 {code}로 끝났다. 로드 밸런서는 healthCheckNodePort로 알맞은 노드를 찾는다. 스스로 노드를 고르는 클라이언트는 그러지 못하므로, Cluster 정책을 쓰거나 노드마다 파드를 둔다.',
      },
      values: { seen, dropped, code: away.exitCode },
      holds: seen === lab.outsideIP && away.exitCode === 28 && dropped > 0,
    }
  },
}
