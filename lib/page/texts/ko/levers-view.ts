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
}
const STATES: Readonly<Record<PodState, string>> = {
  running: '실행 중',
  killed: '죽음, 클러스터가 아직 모른다',
  slow: '느림: 800 ms 늦게 응답한다',
  silent: '무응답: 자기 포트로 오는 패킷을 버린다',
  refusing: '거절: 자기 포트로 오는 연결을 리셋한다',
}

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
  valueOf: (kind, value) => (kind === 'scale' ? `파드 ${number(Number(value))}개` : value),
  leverOf: (kind, value) => `${LEVERS[kind]}: ${value}`,
  current: '지금',
  clients: '클라이언트',
  client: '클라이언트',
  asks: '요청하는 주소',
  last: '마지막 응답들',
  noAnswer: error => `없음 (${error})`,
  same: '실제 클러스터에서 같은 일을 하는 명령:',
  predict: '먼저 예상한다: 다음 요청 가운데 응답을 받지 못하는 것은?',
  predictions: { none: '없다', some: '일부', all: '전부' },
  run: '실행',
  cancel: '취소',
  running: '실행 중 …',
  busy: '데모가 다른 일을 하고 있다. 끝날 때까지 기다린다.',
  result: '실제로 일어난 일',
  right: word => `예상이 맞았다: ${word}.`,
  wrong: (said, was) => `예상은 "${said}", 실제는 "${was}".`,
  requests: (lost, all) => `요청 ${number(all)}개 가운데 ${number(lost)}개가 응답을 받지 못했다.`,
  answeredBy: '응답한 파드',
  lost: '잃은 요청',
  seenAs: '파드가 본 주소',
  counted: '요청 수',
  slowest: ms => `가장 느린 요청은 ${number(ms)} ms 걸렸다.`,
  proxy: (connections, failed, refused) =>
    `프록시가 센 것: 연결 ${number(connections)}개, 파드에 실패하여 다른 파드를 시도한 것 ${number(failed)}번, 어느 파드도 받지 않은 클라이언트 ${number(refused)}개.`,
  kernel: '이 모드에서는 커널이 연결을 나른다. 프록시는 연결을 세지 않으며, 다른 파드를 시도할 수도 없다.',
  failed: message => `실패했다: ${message}`,
}
