import { type SentencePattern } from '../../create-translator.js'

/** Why the proxy, or the demo, does not do what the page asks for. */
export const PROBLEM_SENTENCES: readonly SentencePattern[] = [
  // A proxy that does not answer.
  [
    'No proxy answers at the status socket "{socket}" ({hint:part})',
    '상태 소켓 "{socket}"에서 프록시가 답하지 않는다. {hint:part}',
  ],
  ['No proxy answers at the status socket "{socket}"', '상태 소켓 "{socket}"에서 프록시가 답하지 않는다'],
]
