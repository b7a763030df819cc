import { type LEARN_VIEW as English } from '../en/learn-view.js'
import { numberFormat } from '../number-format.js'

const number = numberFormat('ko')

/** Texts of the views of lessons. */
export const LEARN_VIEW: typeof English = {
  title: '수업',
  about:
    '서비스가 어떻게 동작하는지 단계별로 배운다. 단계마다 알아야 할 것을 읽고, 예상을 말하면, 데모 클러스터에서 실제로 실행한다. 그동안 클라이언트는 기다린다.',
  lesson: (lesson, title) => `${number(lesson)}. ${title}`,
  length: (steps, minutes) => `${number(steps)}단계, 약 ${number(minutes)}분`,
  place: (lesson, step, title) => `${number(lesson)}.${number(step)} ${title}`,
  start: '수업 시작',
  again: '다시 시작',
  leave: '수업 그만두기',
  leaving: '데모가 수업을 끝내고 클러스터를 전으로 되돌리는 중 …',
  all: '모든 수업',
  done: '마침',
  unknown: '그런 수업은 없다.',
  preparing: '질문 전에 한 일',
  next: '다음 단계',
  command: place => `다음 명령 (${place}):`,
  show: '답 보기',
  output: '명령과 증거',
  result: '실제로 일어난 일',
  shown: was => `답: ${was}.`,
  failed: '이번 실행은 수업이 설명하는 것을 보여 주지 못했다. 위의 출력을 보라.',
  score: (right, all) => `맞은 예상: ${number(all)}개 중 ${number(right)}개.`,
  following: title => `다음 수업: ${title}`,
  last: '마지막 수업이었다. 질문과 조작으로 더 해 볼 수 있다.',
  open: lesson => `수업 ${number(lesson)}이 열려 있다. 끝날 때까지 다른 것은 실행할 수 없다.`,
  goThere: '수업으로 가기',
  elsewhere: '이 수업은 다른 페이지에 열려 있고, 거기서 기다린다.',
  endThere: '그 수업 끝내기',
  notTaken: reason => `데모가 받지 않았다: ${reason}.`,
}
