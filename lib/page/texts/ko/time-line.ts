import { type HappeningView } from '../../../status/happening-view.js'
import { type SyncView } from '../../../status/sync-history.js'
import { type Texts } from '../en.js'
import { numberFormat } from '../number-format.js'

const number = numberFormat('ko')

const HAPPENED: Readonly<Record<HappeningView['what'], string>> = {
  opened: '연결 열림',
  retried: '다른 파드에 시도함',
  refused: '클라이언트 거절됨',
  ended: '연결 끝남',
  ejected: '파드 실패',
}

const EXTENTS: Readonly<Record<SyncView['extent'], string>> = { full: '전체', partial: '일부' }

/** The Korean texts of the time line. */
export const TIME_LINE: Texts['timeLine'] = {
  title: '타임라인',
  about:
    '프록시가 기억하는 규칙 동기화, 그리고 이 페이지가 보이는 동안 실패한 파드, 거절된 클라이언트, 끝난 연결을 보여 준다.',
  at: '시각',
  what: '일어난 일',
  details: '자세히',
  sync: '동기화',
  syncFailed: '동기화 실패',
  happened: what => HAPPENED[what],
  problem: '문제',
  syncDetails: (family, extent, ms, written) =>
    `${family}, ${EXTENTS[extent]}${ms === null ? '' : `, ${number(ms)} ms`}, 쓴 규칙 ${number(written)}개`,
  changed: (names, all) =>
    all === 0 ? '' : `대상: ${names.join(', ')}${all > names.length ? ` 외 ${number(all - names.length)}개` : ''}`,
  ejected: (endpoint, service, seconds) =>
    `${service}의 ${endpoint}: ${number(seconds)}초 동안 새 클라이언트를 받지 않는다`,
  endedOf: (service, how) => `${service}: ${how}`,
  because: (service, endpoint, why) => `${service}${endpoint === null ? '' : `, ${endpoint}`}: ${why}`,
  times: (value, text) => (value === 1 ? text : `${number(value)} × ${text}`),
  sampled: '더 있었다. 바쁜 프로세스는 일부만 알린다.',
}
