import { type LookedAt, type DOCTOR_VIEW as English } from '../en/doctor-view.js'

/** What each check looks at. */
const TITLES: Readonly<Record<LookedAt['code'], string>> = {
  'no-such-service': '서비스',
  'no-cluster-ip': '주소',
  'selector-matches-nothing': '셀렉터',
  'pods-not-ready': '준비 상태',
  'port-name-mismatch': '포트 이름',
  'no-endpoint': '엔드포인트',
  'nothing-listens': '타깃 포트',
  'endpoint-silent': '파드 네트워크',
  'policy-local': '트래픽 정책',
  'source-ranges': '소스 범위',
  'address-not-served': '처리하는 주소',
  'no-rule': '규칙',
  'other-rule-first': '다른 프로그램의 규칙',
  'no-listener': '리스너',
  'proxy-unhealthy': '프록시',
  'affinity-pins': '세션 어피니티',
  'name-not-resolvable': '이름',
  'node-port-not-here': '노드 포트',
  'load-balancer-pending': '로드 밸런서',
  'firewall-drops': '방화벽',
  'conntrack-full': '연결 추적',
}

/** Texts of the view of the doctor. */
export const DOCTOR_VIEW: typeof English = {
  title: '진단',
  about: '서비스의 문제와 증거, 해결 방법을 보여 준다.',
  examine: (service, client) => (client === null ? `${service} 진단` : `${service} 진단 (${client} 기준)`),
  verdict: { healthy: '정상', findings: '문제가 있다', unknown: '살펴보지 못한 것이 있다' },
  proof: '증거',
  fix: '할 일',
  remarks: '살펴볼 것',
  fine: '확인했고 이상 없음',
  unseen: '살펴보지 못한 것',
  titleOf: ({ code }) => TITLES[code],
  command: '명령',
  elsewhere: '이 페이지는 읽기만 한다. 진단은 엔드포인트에 연결해 보고 커널도 읽으므로, 노드에서 실행한다.',
}
