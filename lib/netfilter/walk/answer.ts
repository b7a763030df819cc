/** Whether something is true of a packet; `unknown`: only the kernel could say. */
export type Answer = 'yes' | 'no' | 'unknown'

/** The answer for a fact; undefined: it is unknown. */
export function answerOf(fact: boolean | undefined): Answer {
  return fact === undefined ? 'unknown' : fact ? 'yes' : 'no'
}

/** The opposite. What is unknown stays so. */
export function negate(answer: Answer): Answer {
  return answer === 'unknown' ? answer : answer === 'yes' ? 'no' : 'yes'
}

/** Whether one is true: one that is decides. */
export function anyOf(answers: readonly Answer[]): Answer {
  return answers.includes('yes') ? 'yes' : answers.includes('unknown') ? 'unknown' : 'no'
}
