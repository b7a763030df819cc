import { type Texts } from '../en.js'

/** The Korean texts of the view of rules. */
export const RULES: Texts['rules'] = {
  title: '규칙',
  about: '프록시가 커널에 쓴 규칙을 순서대로 보여 준다. 규칙마다 하는 일과, 만난 패킷의 수가 있다.',
  rule: '규칙',
  place: '테이블과 체인',
  position: '번호',
  packets: '패킷',
  bytes: '바이트',
}
