import { type Texts } from './en.js'
import { CONNECTIONS, LISTENERS } from './ko/connections.js'
import { MAP } from './ko/map.js'
import { PACKET } from './ko/packet.js'
import { ASK_VIEW } from './ko/ask-view.js'
import { DOCTOR_VIEW } from './ko/doctor-view.js'
import { LEARN_VIEW } from './ko/learn-view.js'
import { LEVERS_VIEW } from './ko/levers-view.js'
import { LIFE } from './ko/life.js'
import { RULES } from './ko/rules.js'
import { sentenceInKorean } from './ko/sentence-in-korean.js'
import { SERVICE, SERVICES } from './ko/services.js'
import { TIME_LINE } from './ko/time-line.js'
import { numberFormat } from './number-format.js'

const number = numberFormat('ko')

/** All Korean texts of the page. */
export const KO: Texts = {
  locale: 'ko',
  proxySentence: sentenceInKorean,
  program: 'kube-proxy',
  skip: '본문으로 건너뛰기',
  sections: '섹션',
  language: '언어',
  loading: '프록시에 묻는 중 …',
  nothing: '없음.',
  noMatch: '필터에 맞는 것이 없다.',
  filter: '필터',
  filterKey: '/ 키로 여기로 오고, Esc 키로 비운다',
  showMore: value => `${number(value)}개 더 보기`,
  rows: (shown, matching, all) => {
    if (shown === all) return `${number(all)}행`
    const text = shown === matching ? `${number(matching)}행` : `${number(matching)}행 중 처음 ${number(shown)}행`
    return matching === all ? text : `필터에 맞는 ${text} (전체 ${number(all)}행)`
  },
  yes: '예',
  no: '아니요',
  none: '–',
  number,
  node: name => `노드 ${name}`,
  mode: name => `${name} 모드`,
  healthy: '정상',
  unhealthy: '비정상',
  live: '실시간',
  notLive: '실시간 이벤트 없음',
  life: state => LIFE.get(state) ?? state,
  glance: {
    services: '서비스',
    withoutEndpoints: '엔드포인트가 없는 포트',
    open: '열린 연결',
    total: '지금까지의 연결',
    refused: '거절',
    kernel: '연결 (커널이 처리한다)',
    lastSync: '마지막 동기화',
  },
  noAnswer: reason => `프록시가 답하지 않는다: ${reason}. 페이지는 계속 묻는다.`,
  tooLate: seconds => `${number(seconds)}초 안에 답이 없다`,
  notCurrent: (time, reason) => `${time}의 답이다. 마지막 질문에는 답이 없었다: ${reason}.`,
  signIn: {
    title: '이 페이지는 누가 요청하는지 알아야 한다',
    demo: '데모의 페이지라면, 데모를 실행한 터미널에 표시된 링크를 연다.',
    how: '프록시의 페이지라면, 토큰으로 링크를 요청하고, 이 브라우저에서 그 링크를 연다. 링크는 5분 안에 한 번만 쓸 수 있다.',
  },
  unknownPage: '그런 화면은 없다.',
  services: SERVICES,
  service: SERVICE,
  listeners: LISTENERS,
  connections: CONNECTIONS,
  rules: RULES,
  timeLine: TIME_LINE,
  packet: PACKET,
  levers: LEVERS_VIEW,
  ask: ASK_VIEW,
  learn: LEARN_VIEW,
  doctor: DOCTOR_VIEW,
  map: MAP,
}
