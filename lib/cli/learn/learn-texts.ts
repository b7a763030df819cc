/** The words of the page of lessons that are not part of a lesson. */
export const LEARN_TEXTS = {
  number: { en: 'NUMBER', ko: '번호' },
  lesson: { en: 'LESSON', ko: '수업' },
  time: { en: 'TIME', ko: '시간' },
  done: { en: 'DONE', ko: '마침' },
  yes: { en: 'yes', ko: '예' },
  minutes: { en: 'min', ko: '분' },
  how: {
    en: 'kube-proxy learn NUMBER runs a lesson in a small cluster on this machine. It asks what you expect, then shows what happens.',
    ko: 'kube-proxy learn 번호: 이 기계의 작은 클러스터에서 수업을 실행한다. 무엇을 예상하는지 묻고, 그다음 실제로 일어나는 일을 보여 준다.',
  },
  starting: { en: 'Starting a node, three Pods and the proxy ...', ko: '노드와 파드 세 개와 프록시를 시작한다 ...' },
  working: { en: 'Working ...', ko: '실행 중 ...' },
  keys: { en: 'Enter: show me, q: leave', ko: 'Enter: 답 보기, q: 나가기' },
  prompt: { en: 'Your prediction', ko: '예상' },
  right: { en: 'Your prediction was right:', ko: '예상이 맞았다.' },
  wrong: { en: 'Your prediction was wrong:', ko: '예상과 달랐다.' },
  failed: {
    en: 'This run has not shown what the lesson explains: see the output above.',
    ko: '이번 실행은 수업이 설명하는 것을 보여 주지 못했다. 위의 출력을 보라.',
  },
  score: { en: 'Right predictions', ko: '맞은 예상' },
  next: { en: 'The next lesson', ko: '다음 수업' },
  last: {
    en: 'That was the last lesson. kube-proxy ask answers more questions, and kube-proxy demo --keep leaves the cluster to you.',
    ko: '마지막 수업이었다. kube-proxy ask가 더 많은 질문에 답하고, kube-proxy demo --keep은 클러스터를 그대로 두어 직접 써 볼 수 있게 한다.',
  },
} as const

/** The key for a choice: `a` for the first one. */
export function choiceKey(index: number): string {
  return String.fromCharCode('a'.charCodeAt(0) + index)
}
