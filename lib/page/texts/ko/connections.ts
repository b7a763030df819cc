import { type ConnectionView } from '../../../status/connection-view.js'
import { type Texts } from '../en.js'
import { numberFormat } from '../number-format.js'

const number = numberFormat('ko')

const ENDS: Readonly<Record<NonNullable<ConnectionView['end']>, string>> = {
  closed: '양쪽이 닫음',
  'reset-by-client': '클라이언트가 리셋함',
  'reset-by-endpoint': '파드가 리셋함',
  'ended-by-proxy': '프록시가 끝냄',
  refused: '거절: 받은 파드가 없음',
  'client-left': '파드가 받기 전에 클라이언트가 떠남',
  'flow-ended': '데이터그램이 더 오지 않음',
}

/** The Korean texts of the view of sockets. */
export const LISTENERS: Texts['listeners'] = {
  title: '누가 어디서 리스닝하는가',
  about:
    '프록시의 소켓이다. ClusterIP가 있는 인터페이스는 없다. 규칙이 서비스의 주소로 가는 패킷을 프록시의 소켓으로 보낸다.',
  socket: '소켓',
  notOpen: '아직 열리지 않음',
  state: '상태',
  listening: '리스닝 중',
  closed: '닫힘',
  service: '서비스 포트',
  frontends: '여기로 오는 주소',
  why: '이유',
  processes: '프로세스',
  process: (worker, pid, open) =>
    `${worker === null ? '제어 프로세스' : `워커 ${worker}`} (${pid}): 열린 연결 ${number(open)}개`,
}

/** The Korean texts of the view of connections. */
export const CONNECTIONS: Texts['connections'] = {
  title: '연결',
  about: '프록시의 소켓을 지나는 TCP 연결과 UDP 플로이다. 지금 열린 것과, 마지막으로 끝난 50개를 보여 준다.',
  open: '열린 연결',
  ended: '마지막으로 끝난 50개',
  client: '클라이언트',
  service: '서비스 포트',
  endpoint: '파드',
  opened: '열린 시각',
  endedAt: '끝난 시각',
  lasted: '걸린 시간',
  ms: ms => `${number(ms)} ms`,
  seconds: seconds => `${number(seconds)}초`,
  state: '상태',
  dialling: '연결하는 중',
  isOpen: '열림',
  how: '어떻게 끝났는가',
  end: end => (end === null ? '' : ENDS[end]),
  tries: '시도한 파드',
  toEndpoint: '파드로 간 바이트',
  toClient: '클라이언트로 간 바이트',
}
