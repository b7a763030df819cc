import { randomInt } from './seeded-random.js'

/** Texts that parsers stumble over. */
const NASTY = [
  ...['', '\0', '\n', '\r\n', '\t', ' ', '"', "'", '\\', '\ufeff', '\u2028', '\ud800', '%s', '😀'],
  ...[
    'null',
    '~',
    'true',
    '-',
    '--',
    '---',
    '...',
    '{',
    '}',
    '[',
    ']',
    '{}',
    '[]',
    ',',
    ':',
    '#',
    '&a',
    '*a',
    '<<: *a',
    '!!binary',
  ],
  ...[
    '0',
    '-1',
    '08',
    '0x1f',
    '1e999',
    'NaN',
    '65536',
    '4294967296',
    '999999999999999999999',
    '0.0.0.0/0',
    '::/0',
    '::ffff:1.2.3.4',
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'valueOf',
    '-A KUBE',
    ':KUBE-X -',
    'COMMIT',
    '*nat',
    'src=',
    'kind: List',
    'items:',
  ],
]
const LONG = 5000
const MAX_EDITS = 6

/**
 * A text that differs from `text` in a few random places: parts deleted, doubled, moved, cut off, replaced by texts that parsers
 * stumble over or by parts of another text.
 */
export function mutateText(text: string, others: readonly string[], random: () => number): string {
  let result = text
  for (let edits = 1 + randomInt(random, MAX_EDITS); edits > 0; edits--) result = edit(result, others, random)
  return result
}

function edit(text: string, others: readonly string[], random: () => number): string {
  const start = randomInt(random, text.length + 1)
  const end = Math.min(text.length, start + randomInt(random, random() < 0.5 ? 4 : 200))
  const [before, part, after] = [text.slice(0, start), text.slice(start, end), text.slice(end)]
  switch (randomInt(random, 9)) {
    case 0:
      return before + after
    case 1:
      return before + part + part + after
    case 2:
      return before
    case 3:
      return after + before + part
    case 4:
      return before + pick(NASTY, random) + after
    case 5:
      return before + pick(NASTY, random).repeat(1 + randomInt(random, LONG / 50)) + after
    case 6:
      return before + String.fromCharCode(randomInt(random, 0x180)) + after
    case 7:
      return replaceWord(text, random)
    default:
      return before + slice(pick(others, random), random) + after
  }
}

/** Puts a text in the place of a whole word: what parsers look up in tables. */
function replaceWord(text: string, random: () => number): string {
  const words = [...text.matchAll(/[^\s/,:="'{}[\]]+/g)]
  if (words.length === 0) return text
  const { 0: word, index } = words[randomInt(random, words.length)]!
  return text.slice(0, index) + pick(NASTY, random) + text.slice(index + word.length)
}

function slice(text: string, random: () => number): string {
  const start = randomInt(random, text.length + 1)
  return text.slice(start, start + randomInt(random, 300))
}

function pick(list: readonly string[], random: () => number): string {
  return list[randomInt(random, list.length)]!
}
