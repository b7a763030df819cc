import { type Texts } from '../en.js'
import { numberFormat } from '../number-format.js'

const number = numberFormat('ko')

/** The Korean texts of the map. */
export const MAP: Texts['map'] = {
  title: '지도',
  about: '서비스 하나의 클라이언트, 그 연결을 처리하는 것, 파드를 보여 준다. 새 연결마다 표시 하나가 움직인다.',
  service: '서비스',
  busiest: '가장 바쁜 것',
  shown: name => `보이는 서비스: ${name}`,
  noService: '그런 서비스는 없다.',
  noClient: '아직 클라이언트 없음',
  noPod: '엔드포인트 없음',
  more: value => `외 ${number(value)}개`,
  noInterface: '이 주소를 가진 인터페이스는 없다',
  proxy: 'kube-proxy',
  copies: '양쪽으로 바이트를 옮긴다',
  kernel: '커널',
  translates: '규칙이 주소를 바꾼다',
  inKernel: '이 모드에서는 커널이 연결을 처리한다. 프록시는 연결을 보지 못하므로 여기서는 아무것도 움직이지 않는다.',
  legend: '표시',
  opened: '파드가 연결을 받음',
  retried: '파드가 받지 않아 다른 파드에 시도함',
  refused: '거절',
  width: '선이 굵을수록 바이트가 많다.',
  sampled: (shown, all) =>
    `최근 연결 ${number(all)}개 중 ${number(shown)}개만 움직인다. 표는 프록시가 알린 것을 모두 센다.`,
  picture: name => `${name}의 연결을 그린 그림. 아래 표가 같은 것을 말한다.`,
  table: '클라이언트와 파드 사이의 연결',
  connections: '이 화면을 연 뒤 열림',
  failed: '실패한 시도',
  bytes: '바이트',
}
