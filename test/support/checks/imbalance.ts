/**
 * By how much the answers of one endpoint are more than those of another. With round robin in each of N workers it is at most N,
 * however many answers there are, and however the workers shared them.
 */
export function imbalance(answers: readonly string[], names: readonly string[]): number {
  const unexpected = answers.filter(answer => !names.includes(answer))
  if (unexpected.length > 0) throw new Error(`Answers that are no endpoint's: ${unexpected.join(', ')}`)
  const counts = names.map(name => answers.filter(answer => answer === name).length)
  return Math.max(...counts) - Math.min(...counts)
}
