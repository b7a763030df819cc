import { CURL, type Question } from '../question.js'
import { answersIn } from '../answers-in.js'
import { PATIENCE } from '../patience.js'

const NODE_PORT = 30080
const EXTERNAL_IP = '192.168.50.100'
const RULES = `iptables-save -t nat | grep -c ' ${EXTERNAL_IP}/32 '`

export const fromMyLaptop: Question = {
  number: 24,
  title: {
    en: 'Why can I not reach it from my laptop? Why is EXTERNAL-IP pending?',
    ko: '왜 내 노트북에서는 접속되지 않는가? EXTERNAL-IP는 왜 pending인가?',
  },
  asked: ['kind#1272', 'rancher-desktop#1265'],
  words: ['LoadBalancer', 'external ip', 'MetalLB', 'outside', 'laptop', '외부', '로드 밸런서'],
  programs: CURL,
  async run({ lab, show }) {
    const { clusterIP, ports } = lab.service
    const curl = (url: string, patience: readonly string[] = PATIENCE.answer) =>
      lab.run('outside', 'curl', '-sS', ...patience, url)
    const direct = await curl(`http://${clusterIP}`, PATIENCE.silence)
    show(
      direct,
      {
        en: 'A host outside has no rules of kube-proxy. So the packet for {clusterIP} goes to its gateway, like any other, and is lost there: exit code {code}.',
        ko: '밖의 호스트에는 kube-proxy의 규칙이 없다. 그래서 {clusterIP}으로 가는 패킷은 다른 패킷처럼 게이트웨이로 가서 사라진다. 종료 코드 {code}.',
      },
      { clusterIP, code: direct.exitCode },
    )
    show(
      await lab.changeService(
        { ports: ports.map(port => ({ ...port, nodePort: NODE_PORT })), spec: { type: 'LoadBalancer' } },
        `kubectl patch service nginx-service --patch '{"spec":{"type":"LoadBalancer"}}'`,
      ),
      {
        en: 'type: LoadBalancer is a request. A controller (of a cloud, or MetalLB) has to fulfil it; without one EXTERNAL-IP stays pending.',
        ko: 'type: LoadBalancer는 요청일 뿐이다. 컨트롤러(클라우드의 것이나 MetalLB)가 처리해 주어야 한다. 컨트롤러가 없으면 EXTERNAL-IP는 pending으로 남는다.',
      },
    )
    const before = await lab.shell('node', RULES)
    const nodePort = await curl(`http://${lab.nodeIP}:${NODE_PORT}`)
    show(
      nodePort,
      {
        en: 'But the Service has got a NodePort, and the address of the node is reachable from outside: exit code {code}.',
        ko: '그래도 서비스에 NodePort가 생겼고, 노드의 주소에는 밖에서 접속할 수 있다. 종료 코드 {code}.',
      },
      { code: nodePort.exitCode },
    )
    show(
      await lab.changeService(
        { status: { loadBalancer: { ingress: [{ ip: EXTERNAL_IP }] } } },
        'kubectl get service nginx-service',
      ),
      {
        en: 'Now play the controller: write {ip} into the status of the Service.',
        ko: '이제 컨트롤러가 되어 본다. 서비스의 status에 {ip}을 적는다.',
      },
      { ip: EXTERNAL_IP },
    )
    const after = await lab.shell('node', RULES)
    show(
      after,
      {
        en: 'Rules for that address: {after}; before, {before}. kube-proxy serves the address, but does not bring packets to the node: that is the other half of the work of the controller.',
        ko: '이 주소의 규칙은 {after}개이고, 그 전에는 {before}개였다. kube-proxy는 주소를 처리하지만 패킷을 노드까지 데려오지는 않는다. 그것은 컨트롤러가 할 일의 나머지 절반이다.',
      },
      { after: after.output, before: before.output },
    )
    const route = await lab.run('outside', 'ip', 'route', 'add', EXTERNAL_IP, 'via', lab.nodeIP)
    show(route, {
      en: 'So the host outside gets a route to the node.',
      ko: '그래서 밖의 호스트에 노드로 가는 경로를 준다.',
    })
    const external = await curl(`http://${EXTERNAL_IP}`)
    await lab.run('outside', 'ip', 'route', 'delete', EXTERNAL_IP)
    show(
      external,
      {
        en: 'Now it works: exit code {code}.',
        ko: '이제 된다. 종료 코드 {code}.',
      },
      { code: external.exitCode },
    )
    return {
      proof: {
        en: 'rules for the external IP, before and after a controller has written it',
        ko: '외부 IP의 규칙 수, 컨트롤러가 적기 전과 적은 뒤',
      },
      value: `${before.output}, ${after.output}`,
      answer: {
        en: 'A ClusterIP exists only on the nodes: from outside curl ended with code {direct}, at the NodePort with {nodePort}. EXTERNAL-IP is pending because no controller has written an address; when {ip} was written, the rules for it went from {before} to {after}. On a laptop use a NodePort, `kubectl port-forward`, or a controller such as MetalLB.',
        ko: 'ClusterIP는 노드에만 있다. 밖에서 curl은 코드 {direct}로, NodePort에서는 {nodePort}으로 끝났다. EXTERNAL-IP가 pending인 것은 주소를 적은 컨트롤러가 없기 때문이다. {ip}을 적자 그 규칙이 {before}개에서 {after}개가 되었다. 노트북에서는 NodePort나 `kubectl port-forward`, 또는 MetalLB 같은 컨트롤러를 쓴다.',
      },
      values: {
        direct: direct.exitCode,
        nodePort: nodePort.exitCode,
        ip: EXTERNAL_IP,
        before: before.output,
        after: after.output,
      },
      holds:
        direct.exitCode === 28 &&
        answersIn(nodePort.output).length === 1 &&
        before.output === '0' &&
        Number(after.output) > 0 &&
        answersIn(external.output).length === 1,
    }
  },
}
