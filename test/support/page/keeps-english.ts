/** English words, apart from those that Korean readers of the field use, and from names. */
const ENGLISH =
  /(?<![-\w])(the|of|and|is|are|was|to|from|that|this|it|no|not|has|have|for|by|in|at|packets?|endpoints?|client|node|rule|Pods?)\b/
/** Quoted text, rules, and commands after a colon. */
const VERBATIM = /"[^"]*"|\([^()]*-A [^()]*\)|: -A .*|: kubectl .*/g

/** Whether a Korean text has English words outside of what is verbatim. */
export function keepsEnglish(korean: string): boolean {
  return ENGLISH.test(korean.replace(VERBATIM, ''))
}
