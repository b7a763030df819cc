import { type DOCTOR_VIEW as English } from '../en/doctor-view.js'

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
  command: '명령',
  elsewhere: '이 페이지는 읽기만 한다. 진단은 엔드포인트에 연결해 보고 커널도 읽으므로, 노드에서 실행한다.',
}
