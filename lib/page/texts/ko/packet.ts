import { type ExplainedStep, type WayEnd } from '../../../explain/explanation.js'
import { type Texts } from '../en.js'
import { numberFormat } from '../number-format.js'

const number = numberFormat('ko')

const STEPS: Readonly<Record<ExplainedStep['kind'], string>> = {
  rule: '규칙',
  policy: '체인의 정책',
  route: '라우팅',
  'virtual-server': 'IPVS의 가상 서버',
  listener: 'kube-proxy의 소켓',
  pick: 'kube-proxy의 선택',
  connection: 'kube-proxy의 연결',
}

const ENDS: Readonly<Record<WayEnd, string>> = {
  endpoint: '엔드포인트로',
  'proxy-port': '프록시 포트로',
  node: '노드 자신으로',
  elsewhere: '다른 호스트로',
  dropped: '버림',
  refused: '거절',
  reset: '프록시가 리셋',
  unknown: '알 수 없음',
}

/** The Korean texts of the view of one packet. */
export const PACKET: Texts['packet'] = {
  title: '패킷 하나',
  about:
    '누가 어디로 보내는지 고른다. 연결의 첫 패킷이 어디로 가는지, 규칙 하나하나와 그 이유를 보여 준다. 카운터는 실시간이다.',
  from: '보내는 쪽',
  senders: { pod: '파드', node: '이 노드', outside: '밖의 호스트', address: '이 주소를 가진 것' },
  address: '보내는 쪽의 주소',
  anyAddress: '상관없음',
  to: '받는 쪽',
  toExample: 'default/web:80 또는 10.96.0.10:80',
  follow: '패킷 따라가기',
  followFrom: client => `${client}의 패킷 따라가기`,
  followTo: address => `${address}(으)로 가는 패킷 따라가기`,
  column: '패킷 하나',
  link: '따라가기',
  how: '패킷이 가는 길',
  then: '그다음',
  thenTo: end => `그다음: ${end}`,
  way: '보여 줄 길',
  wayTo: (end, endpoint, odds) => `${endpoint ?? ENDS[end]} (${odds})`,
  end: (end, endpoint) => endpoint ?? ENDS[end],
  percent: value => new Intl.NumberFormat('ko', { style: 'percent', maximumFractionDigits: 1 }).format(value),
  step: kind => STEPS[kind],
  position: value => `${number(value)}번`,
  packets: value => `패킷 ${number(value)}개`,
  risen: value => `이 화면을 연 뒤 +${number(value)}`,
  justRisen: '방금 증가',
  packet: '패킷',
  before: '전',
  after: '후',
  assumed: '적용되는지 알 수 없다.',
  why: '왜 이 파드인가?',
  socket: '소켓',
  holder: (worker, pid, open) =>
    `${worker === null ? '제어 프로세스' : `워커 ${worker}`} (프로세스 ${pid}), 열린 연결 ${number(open)}개`,
  policy: '정책',
  affinity: '어피니티',
  pick: '고르는 방법',
  candidates: '후보',
  odds: '확률',
  turn: '차례',
  next: '다음 차례',
  nextIn: workers => `워커 ${workers.join(', ')}의 다음 차례`,
  kept: '이 클라이언트가 계속 쓴다',
  ejectedFor: seconds => `실패해서 ${number(seconds)}초 동안 잠시 제외`,
  back: '응답이 돌아오는 길',
  notes: '참고',
  inModes: '같은 패킷을 모드마다 보기',
  aboutModes:
    '지금 처리하는 모드는 있는 그대로 보여 준다. 다른 모드는 이 서비스만 가지고 계획한 것으로, 그 모드라면 이 노드에 이렇게 된다.',
  mode: name => `${name} 모드`,
  servesNow: '지금 처리한다',
  planned: '계획',
}
