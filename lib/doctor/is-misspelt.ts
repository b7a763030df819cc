import { closestText } from '../primitives/closest-text.js'

/** Shorter words distinguish programs: `web-a` and `web-b`. */
const MIN_LENGTH = 4

/** Whether a name is another one with a typing mistake, and not the name of a sister: `web-1` is no mistake for `web-2`. */
export function isMisspelt(name: string, meant: string): boolean {
  if (closestText(name, [meant]) === undefined || digitsOf(name) !== digitsOf(meant)) return false
  const [words, others] = [wordsOf(name), wordsOf(meant)]
  if (words.length !== others.length) return words.join('') === others.join('')
  return words.every(
    (word, index) => word === others[index] || Math.min(word.length, others[index]!.length) >= MIN_LENGTH,
  )
}

function digitsOf(text: string): string {
  return text.replace(/\D+/g, ' ')
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().split(/[-._]/)
}
