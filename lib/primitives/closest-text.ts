/** A misspelt text has one mistake for each four characters at the most, and three in all. */
const CHARACTERS_OF_A_MISTAKE = 4
const MAX_MISTAKES = 3
/** Every letter is close to every other one. */
const MIN_LENGTH = 3
/** No name is longer: names of Services, namespaces, chains, flags and fields. The comparison takes the square of it. */
const MAX_LENGTH = 300

/**
 * The known text that is most likely meant by a misspelt one; undefined if none is close. The time does not grow with the length of the
 * misspelt text, which anyone may have sent.
 */
export function closestText(text: string, known: readonly string[]): string | undefined {
  if (text.length < MIN_LENGTH || text.length > MAX_LENGTH) return undefined
  const lower = text.toLowerCase()
  let closest: string | undefined
  let limit = Math.min(MAX_MISTAKES, Math.max(1, Math.floor(text.length / CHARACTERS_OF_A_MISTAKE)))
  for (const candidate of known) {
    // Each character that one has more is a mistake.
    if (Math.abs(candidate.length - text.length) > limit || candidate.length > MAX_LENGTH) continue
    const mistakes = countMistakes(lower, candidate.toLowerCase())
    if (mistakes > limit || (closest !== undefined && mistakes === limit)) continue
    closest = candidate
    limit = mistakes
  }
  return closest
}

/** How many characters are wrong, missing, superfluous, or swapped with their neighbour. */
function countMistakes(a: string, b: string): number {
  let [twoBefore, before]: number[][] = [[], Array.from({ length: b.length + 1 }, (_, index) => index)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1]
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const choices = [before![j]! + 1, row[j - 1]! + 1, before![j - 1]! + (isSame ? 0 : 1)]
      row.push(Math.min(...choices, ...(isSwapped ? [twoBefore![j - 2]! + 1] : [])))
    }
    twoBefore = before
    before = row
  }
  return before![b.length]!
}
