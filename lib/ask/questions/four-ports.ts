import { openConnection } from '../open-connection.js'
import { CURL, type Question } from '../question.js'
import { answersIn } from '../answers-in.js'
import { PATIENCE } from '../patience.js'

const PORTS = { port: 8000, targetPort: 8080, nodePort: 30080 } as const

export const fourPorts: Question = {
  number: 4,
  title: {
    en: 'port, targetPort, nodePort, containerPort: which is used at which step?',
    ko: 'port, targetPort, nodePort, containerPort: 어느 단계에서 무엇이 쓰이는가?',
  },
  asked: [],
  words: ['ports', 'target port', 'node port', 'container port', '포트'],
  programs: CURL,
  async run({ lab, show }) {
    const { clusterIP } = lab.service
    show(await lab.scale(0), { en: 'No Pods for the moment.', ko: '잠시 파드가 없다.' })
    show(
      await lab.changeService(
        { ports: [{ name: '', protocol: 'TCP', ...PORTS }], spec: { type: 'NodePort' } },
        `kubectl patch service nginx-service --patch '${JSON.stringify({ spec: { type: 'NodePort', ports: [PORTS] } })}'`,
      ),
      {
        en: 'Four different numbers: port {port}, targetPort {targetPort}, nodePort {nodePort}; the Deployment has containerPort 80.',
        ko: '네 수가 모두 다르다. port {port}, targetPort {targetPort}, nodePort {nodePort}이고, 디플로이먼트의 containerPort는 80이다.',
      },
      PORTS,
    )
    show(await lab.scale(3), {
      en: 'Three Pods, which listen on the targetPort.',
      ko: '파드 세 개가 targetPort에서 리스닝한다.',
    })
    const inside = await lab.run('client', 'curl', '-s', ...PATIENCE.answer, `http://${clusterIP}:${PORTS.port}`)
    show(
      inside,
      {
        en: 'A client in the cluster uses the ClusterIP and port {port}.',
        ko: '클러스터 안의 클라이언트는 ClusterIP와 port {port}을 쓴다.',
      },
      { port: PORTS.port },
    )
    const outside = await lab.run('outside', 'curl', '-s', ...PATIENCE.answer, `http://${lab.nodeIP}:${PORTS.nodePort}`)
    show(
      outside,
      {
        en: 'A client outside uses an address of the node and nodePort {nodePort}.',
        ko: '밖의 클라이언트는 노드의 주소와 nodePort {nodePort}을 쓴다.',
      },
      { nodePort: PORTS.nodePort },
    )
    const { ran: sockets, request } = await openConnection(lab, `http://${clusterIP}:${PORTS.port}`)
    await request.stop()
    const [atTarget, atContainer] = [PORTS.targetPort, 80].map(
      port => [...sockets.output.matchAll(new RegExp(`:${port}(?!\\d)`, 'g'))].length,
    )
    show(
      sockets,
      {
        en: 'An open connection to port {port} ends in the Pod at targetPort {targetPort}. Connections to containerPort 80: {atContainer}.',
        ko: 'port {port}으로 연 연결은 파드의 targetPort {targetPort}에 닿는다. containerPort 80에 닿은 연결: {atContainer}개.',
      },
      { port: PORTS.port, targetPort: PORTS.targetPort, atContainer: atContainer! },
    )
    return {
      proof: {
        en: 'connections at the targetPort and at the containerPort of the Pod',
        ko: '파드의 targetPort와 containerPort에 닿은 연결 수',
      },
      value: `${atTarget}, ${atContainer}`,
      answer: {
        en: 'Clients in the cluster use port ({port}), clients outside use nodePort ({nodePort}), and both reach the Pod at targetPort ({targetPort}). Connections there: {atTarget}; at containerPort: {atContainer}. A containerPort is a note for readers; it matters only if the targetPort is a name, which is then looked up there.',
        ko: '클러스터 안의 클라이언트는 port({port})를, 밖의 클라이언트는 nodePort({nodePort})를 쓰고, 둘 다 파드의 targetPort({targetPort})에 닿는다. 그곳에 닿은 연결은 {atTarget}개, containerPort에는 {atContainer}개였다. containerPort는 읽는 사람을 위한 표시이다. targetPort가 이름일 때만 그 이름을 여기서 찾는다.',
      },
      values: { ...PORTS, atTarget: atTarget!, atContainer: atContainer! },
      holds:
        answersIn(inside.output).length === 1 &&
        answersIn(outside.output).length === 1 &&
        atTarget === 1 &&
        atContainer === 0,
    }
  },
}
