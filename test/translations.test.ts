import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'

/** Each document that has a translation, and the translation. */
const PAIRS = [
  ['README.md', 'README.ko.md'],
  ['docs/modes.md', 'docs/modes.ko.md'],
] as const
/** What the sections of both were when a person last compared them. */
const RECORD = 'docs/translations.json'
/** A link to a document that has a translation: its path without the ending, and what follows. */
const TRANSLATED = /((?:^|\/)(?:README|modes))(?:\.ko)?\.md(?:#.*)?$/
const HOW_TO_RECORD = 'When both say the same again: WRITE_DOCS=1 npm run one -- translations'

interface Section {
  readonly heading: string
  readonly text: string
}
interface RecordedSection {
  readonly heading: string
  readonly original: string
  readonly translation: string
}
type Recorded = Readonly<Record<string, readonly RecordedSection[]>>

const read = (file: string): string => readFileSync(file, 'utf8')
const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16)

/** A document in parts: what is before the first heading of the second level, and what is below each. */
function sectionsOf(text: string): Section[] {
  return text.split(/^(?=## )/m).map(part => ({ heading: part.slice(0, part.indexOf('\n')), text: part }))
}

/** What a section of a document and of its translation have in common, each as a sorted list or a text. */
function shapeOf(text: string) {
  const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, '').replaceAll(/^ {4}.*$/gm, '')
  return {
    headings: [...prose.matchAll(/^#+(?= )/gm)].map(([marks]) => marks),
    code: [...text.matchAll(/^```[\s\S]*?^```$|^ {4}.*$/gm)].map(([block]) => block),
    tableRows: [...prose.matchAll(/^\|.*$/gm)].map(([row]) => row.split(/(?<!\\)\|/).length - 2),
    listItems: [...prose.matchAll(/^(?:-|\d+\.) /gm)].length,
    links: linksOf(prose),
    names: [...new Set([...prose.matchAll(/`([^`\n]+)`/g)].map(([, name]) => name!))].sort(),
  }
}

/**
 * Where a text leads, sorted. A translation leads to headings in its own language, and to other translations. The link from one
 * language to the other is left out.
 */
function linksOf(prose: string): string[] {
  const links = [...prose.matchAll(/(?<!^\[(?:English|한국어))\]\(([^)\s]+)\)/gm)]
  return links.map(([, link]) => (link!.startsWith('#') ? '#' : link!.replace(TRANSLATED, '$1.md'))).sort()
}

/** The sections of which one has changed since the record, and the other has not. */
function changedAlone(now: readonly RecordedSection[], recorded: readonly RecordedSection[]): string[] {
  return now.flatMap(({ heading, original, translation }, index) => {
    const before = recorded[index]
    const [isOriginalNew, isTranslationNew] = [original !== before?.original, translation !== before?.translation]
    if (isOriginalNew === isTranslationNew) return []
    return [`${heading}: only the ${isOriginalNew ? 'original' : 'translation'} has changed`]
  })
}

function pairUp(original: string, translation: string): RecordedSection[] {
  const translated = sectionsOf(read(translation))
  return sectionsOf(read(original)).map(({ heading, text }, index) => ({
    heading,
    original: digest(text),
    translation: digest(translated[index]?.text ?? ''),
  }))
}

const now: Recorded = Object.fromEntries(
  PAIRS.map(([original, translation]) => [original, pairUp(original, translation)]),
)
if (process.env['WRITE_DOCS'] !== undefined) writeFileSync(RECORD, `${JSON.stringify(now, undefined, 2)}\n`)

for (const [original, translation] of PAIRS) {
  t.test(`${translation} has the sections, tables, lists, code, links and names of ${original}`, t => {
    const [from, to] = [original, translation].map(file => sectionsOf(read(file)))
    t.equal(to!.length, from!.length)
    for (const [index, { heading, text }] of from!.entries())
      t.strictSame(shapeOf(to![index]?.text ?? ''), shapeOf(text), heading)
    for (const [file, other] of [
      [original, translation],
      [translation, original],
    ] as const)
      t.ok(read(file).includes(`](${other.split('/').at(-1)})`), `${file} leads to ${other}`)
    t.end()
  })

  t.test(`neither ${original} nor ${translation} has changed alone`, t => {
    const recorded = (JSON.parse(read(RECORD)) as Recorded)[original] ?? []
    t.strictSame(changedAlone(now[original]!, recorded), [], HOW_TO_RECORD)
    t.strictSame(now[original], recorded, HOW_TO_RECORD)
    t.end()
  })
}

t.test('a section that has changed alone is named', t => {
  const recorded = [{ heading: '## A', original: '1', translation: '2' }]
  for (const [original, translation, expected] of [
    ['1', '2', []],
    ['3', '4', []],
    ['3', '2', ['## A: only the original has changed']],
    ['1', '4', ['## A: only the translation has changed']],
  ] as const)
    t.strictSame(changedAlone([{ heading: '## A', original, translation }], recorded), expected)
  t.end()
})
