/**
 * The largest difference between the numbers of answers of two endpoints. With round robin in each of N workers it is at most N,
 * for any number of answers and any split between the workers.
 */
export function imbalance(answers: readonly string[], names: readonly string[]): number {
  const unexpected = answers.filter(answer => !names.includes(answer))
  if (unexpected.length > 0) throw new Error(`Answers that are no endpoint's: ${unexpected.join(', ')}`)
  const counts = names.map(name => answers.filter(answer => answer === name).length)
  return Math.max(...counts) - Math.min(...counts)
}
