import { type LeverKind, type PodState } from '../../../demo-page/demo-document.js'
import { type LEVERS_VIEW as English } from '../en/levers-view.js'
import { numberFormat } from '../number-format.js'

const number = numberFormat('ko')

const LEVERS: Readonly<Record<LeverKind, string>> = {
  scale: '스케일',
  kill: '죽이기',
  replace: '클러스터가 알아차리게 하기',
  slow: '느리게 하기',
  silent: '응답하지 않게 하기',
  refuse: '거절하게 하기',
  heal: '정상으로 되돌리기',
  affinity: '세션 어피니티',
  internal: '내부 트래픽 정책',
  external: '외부 트래픽 정책',
  nodes: '파드가 있는 노드',
  mode: '프록시 모드',
  api: 'API 서버',
}
const API = new Map([
  ['there', '닿는다'],
  ['away', '닿지 않는다'],
])
const STATES: Readonly<Record<PodState, string>> = {
  running: '실행 중',
  killed: '죽음, 클러스터가 아직 모른다',
  slow: '느림: 800 ms 늦게 응답한다',
  silent: '무응답: 자기 포트로 오는 패킷을 버린다',
  refusing: '거절: 자기 포트로 오는 연결을 리셋한다',
}

const IN_THE_POD = '이 명령을 쓰려면 컨테이너에 그 프로그램과 NET_ADMIN 권한이 있어야 한다.'
const DIFFERENCES: ReadonlyMap<LeverKind, string> = new Map([
  [
    'replace',
    '실제 클러스터에서는 노드 컨트롤러나 kubelet이 시간이 지난 뒤 알아차린다. 명령은 그것을 보여 주기만 한다. 데모에서는 실행을 누를 때 일어난다.',
  ],
  ['slow', `명령은 파드의 모든 패킷을 늦춘다. 데모는 요청에 대한 응답만 늦춘다. ${IN_THE_POD}`],
  ['silent', IN_THE_POD],
  ['refuse', IN_THE_POD],
  ['heal', IN_THE_POD],
  [
    'nodes',
    '실제 클러스터에서는 새 주소를 가진 새 파드가 시작된다. 데모는 파드가 그 노드에 있다고 EndpointSlice에 쓰기만 한다.',
  ],
  [
    'mode',
    '실제 클러스터에서는 kube-proxy의 설정에서 모드를 바꾸고 다시 시작한다. 데모는 프록시를 죽이고 새로 시작한다.',
  ],
  [
    'api',
    '명령은 컨트롤 플레인의 kubelet이 API 서버를 멈추거나 시작하게 한다. 데모의 API 서버는 모든 연결을 리셋하고 새 연결을 거절한다. 다른 조작과 함께 해 본다. 프록시는 API 서버가 돌아온 뒤에야 그 변경을 안다.',
  ],
])

/** Texts of the view that changes the cluster. */
export const LEVERS_VIEW: typeof English = {
  title: '조작',
  about: '데모의 클러스터를 바꾸고, 클라이언트에게 무슨 일이 생기는지 본다. 조작을 고르고, 예상을 말한 다음, 실행한다.',
  cluster: '서비스와 프록시',
  pods: '파드',
  pod: '파드',
  address: '주소',
  state: '상태',
  stateOf: state => STATES[state],
  change: '바꾸기',
  kind: kind => LEVERS[kind],
  valueOf: (kind, value) =>
    kind === 'scale' ? `파드 ${number(Number(value))}개` : kind === 'api' ? API.get(value)! : value,
  leverOf: (kind, value) => `${LEVERS[kind]}: ${value}`,
  clients: '클라이언트',
  client: '클라이언트',
  asks: '요청하는 주소',
  last: '최근 응답',
  noAnswer: error => `없음 (${error})`,
  same: '실제 클러스터에서 같은 일을 하는 명령:',
  similar: '실제 클러스터에서 비슷한 일을 하는 명령:',
  differs: kind => DIFFERENCES.get(kind),
  predict: '먼저 예상한다: 변경 후의 요청 가운데 응답을 받지 못하는 것은?',
  predictions: { none: '없다', some: '일부', all: '전부' },
  run: '실행',
  cancel: '취소',
  running: '실행 중 …',
  busy: '데모가 다른 일을 하고 있다. 끝날 때까지 기다린다.',
  result: '실제로 일어난 일',
  right: word => `예상이 맞았다: ${word}.`,
  wrong: (said, was) => `예상은 "${said}", 실제는 "${was}".`,
  requests: (lost, all) => `변경 후의 요청 ${number(all)}개 가운데 ${number(lost)}개가 응답을 받지 못했다.`,
  during: (lost, all) =>
    `변경 전과 변경 중의 요청 ${number(all)}개 가운데 ${number(lost)}개가 응답을 받지 못했다. 예상을 판정할 때는 세지 않는다.`,
  answeredBy: '응답한 파드',
  seenAs: '파드가 본 주소',
  counted: '요청 수',
  slowest: ms => `가장 느린 요청은 ${number(ms)} ms 걸렸다.`,
  proxy: (connections, failed, refused) =>
    `변경을 시작한 뒤 프록시가 센 것: 연결 ${number(connections)}개, 파드 연결에 실패해 다른 파드를 시도한 횟수 ${number(failed)}번, 어느 파드도 받지 않은 클라이언트 ${number(refused)}개.`,
  uncounted: {
    'in-kernel': '이 모드에서는 커널이 연결을 처리한다. 프록시는 연결을 세지 않으며, 다른 파드를 시도할 수도 없다.',
    'not-known': '프록시가 답하지 않아 프록시가 센 수를 알 수 없다.',
  },
  failed: '실패했다:',
}
