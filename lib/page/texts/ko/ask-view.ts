import { type ASK_VIEW as English } from '../en/ask-view.js'

const PLACES: ReadonlyMap<string, string> = new Map([
  ['node', '노드에서'],
  ['client', '클라이언트 파드에서'],
  ['outside', '클러스터 밖의 호스트에서'],
  ['cluster', '실제 클러스터에서 쓰는 명령, 여기서는 데모가 대신한다'],
])

/** Texts of the view of questions. */
export const ASK_VIEW: typeof English = {
  title: '질문',
  about:
    '사람들이 서비스에 대해 묻는 것. 버튼을 누르면 데모 클러스터에서 실험하고, 결과를 숫자로 보여 준다. 그동안 클라이언트는 기다린다.',
  answer: '답',
  proof: '증거',
  asked: places => `물은 곳: ${places}`,
  steps: '실험',
  place: where => PLACES.get(where) ?? `파드 ${where}에서`,
  notProved: '실험이 답과 다르게 나왔다:',
}
