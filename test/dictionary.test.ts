import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

/**
 * Words that this project once used with a meaning of its own, or that are hard to read, each with what to write in its place.
 * They stand here as words: `servedPortals`, `served-portals` and `SERVED_PORTALS` all contain the words "served portals".
 */
const PRIVATE_WORDS: Readonly<Record<string, string>> = {
  'portals?': 'frontend',
  'entrances?': 'traffic class',
  'doors?': 'listening socket, port conflict or proxy-port filter',
  'claims?|claimed|claimants?': 'address conflict (of Services), allocate (a port)',
  'led (portal|destination)|held portal': 'resolved frontend, flow target, programmed frontend',
  surroundings: 'local traffic detector',
  'strangers?': 'external client',
  'own node': 'node manager, or "the Node of this machine"',
  groundwork: 'prepare',
  'stand in|last will|guards?': 'kernel failover, failover script, failover process',
  'told|tells?|telling': 'report, log, notify, say',
  'keep identity|kept ports': 'reuse what is equal, bound ports',
  'bring about|brings about|ruled|found (set|server)': 'reconcile, programmed, observed',
  'obeys?': 'handle',
  'worker (order|answer)': 'worker command, worker message',
  'counts ledger|flow order': 'counter aggregate, flow LRU',
  'restore text|differing parts|group portions': 'restore input, rule diff, chain batches',
  'call off|calls off|called off': 'cancel',
  'story|stories|learners?': 'walkthrough, user',
  'somebody|nobody|anybody|everybody|whoever|whomever': 'the actor: client, operator, program, caller',
  'anew|afresh': 'again',
  'in vain': 'without success, timed out',
  'for want of|lest|unheeded|forthwith|thereof|whereof': 'because there is no, so that … not, ignored, at once, of it',
  dice: 'random',
  'for ever': 'forever, permanently',
  'held listeners?': 'programmed listeners',
  'handed|retires?|retired|relieves?|relieved': 'passed, drained, replaced',
  '(what|which) becomes of': 'what happens to',
  'of ours': "this proxy's",
  'is to be|are to be': 'must be, should be',
}

/** Spellings that look like other words when they are read as words. */
const SPELLINGS: Readonly<Record<string, string>> = { 'time-outs?': 'timeout' }

/** What may contain such a word, with the reason. It is taken out of a line before the line is checked. */
const EXCEPTIONS: readonly { readonly text: RegExp; readonly reason: string }[] = [
  {
    text: /KUBE-PORTALS(-[A-Z*…]+|\b)|PORTALS_(CONTAINER|HOST|DROP|COMMENT)|\(PORTALS\|/,
    reason: 'chains of kube-proxy',
  },
  { text: /(kubernetes |externally-visible )+service portals/, reason: 'the comment of kube-proxy in its rules' },
  { text: /from-host portal for service/, reason: 'a log message of the original kube-proxy' },
  { text: /(KUBE-|TO_)?(PROXY[-_])?DOOR\b|KUBE-DOOR-/, reason: 'chains that nodes in use have' },
  { text: /(KUBE-)?MARK[-_]STRANGERS/, reason: 'a chain that nodes in use have' },
  { text: /action: 'Claim'/, reason: 'the action of an Event, which operators may match' },
  { text: /kube-proxy-guard/, reason: 'the title of a process, which operators may match' },
  { text: /"everybody"|'everybody'|: everybody$/, reason: 'a value that is not a range' },
  { text: /needs root to become nobody/, reason: 'the user of that name' },
]

/** The page about style quotes such words: from this heading to the other one. */
const STYLE_PAGE = { file: 'CONTRIBUTING.md', from: '\n## How we write\n', to: '\n## Decisions\n' }
const OWN_FILE = 'test/dictionary.test.ts'

const root = process.cwd()
const FOLDERS = ['lib', 'bin', 'test', 'bench', 'docs', 'deploy']
const files = [
  ...readdirSync(root).filter(name => name.endsWith('.md')),
  ...['Dockerfile', '.taprc', '.ci/run', 'eslint.config.js'],
  ...FOLDERS.flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(name => `${folder}/${name}`),
  ).filter(name => /\.(ts|mjs|md|ya?ml|sh)$/.test(name) && statSync(join(root, name)).isFile()),
].filter(name => name !== OWN_FILE)

/** The words of a text: `servedPortals`, `served-portals` and `SERVED_PORTALS` are two each. A point separates words in any other way. */
function wordsOf(text: string): string {
  return text
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[\s_-]+/g, ' ')
    .replace(/[^A-Za-z0-9 ]+/g, ' . ')
    .toLowerCase()
}

interface Pattern {
  readonly expression: RegExp
  readonly instead: string
}

const PATTERNS = patternsOf(PRIVATE_WORDS, words => new RegExp(`(?<![a-z0-9])(?:${words})(?![a-z0-9])`))
const SPELLING_PATTERNS = patternsOf(SPELLINGS, words => new RegExp(`\\b(?:${words})\\b`, 'i'))

/** One pattern for all words together, which nearly no line meets, and one for each entry. */
function patternsOf(entries: Readonly<Record<string, string>>, build: (words: string) => RegExp) {
  const each: Pattern[] = Object.entries(entries).map(([words, instead]) => ({ expression: build(words), instead }))
  return { any: build(Object.keys(entries).join('|')), each }
}

function findAll({ any, each }: ReturnType<typeof patternsOf>, text: string): [word: string, instead: string][] {
  if (!any.test(text)) return []
  return each.flatMap(({ expression, instead }) => {
    const found = expression.exec(text)
    return found === null ? [] : [[found[0], instead]]
  })
}

/** Every private word in a text, as a sentence, by the line where it stands. */
function privateWords(text: string, onException: (exception: RegExp) => void = () => {}): string[] {
  return text.split('\n').flatMap((line, index) => {
    let rest = line
    for (const { text: exception } of EXCEPTIONS) {
      const without = rest.replace(new RegExp(exception, 'g'), ' ')
      if (without !== rest) onException(exception)
      rest = without
    }
    const words = wordsOf(rest)
    const found = [...findAll(PATTERNS, words), ...findAll(SPELLING_PATTERNS, rest)]
    return found.map(([word, instead]) => `${index + 1}: "${word}", write ${instead}`)
  })
}

t.test('a private word is recognised in names and in prose, and nowhere inside of other words', t => {
  for (const text of [
    'servedPortals',
    'served-portals',
    'SERVED_PORTALS',
    'the portal of a Service',
    'told',
    'in vain',
    'a time-out of',
    'Time-outs',
  ])
    t.equal(privateWords(text).length, 1, text)
  for (const text of [
    'reclaim',
    'outdoors',
    'KUBE-PORTALS-HOST',
    'stellar',
    'where they stand. In a queue',
    'they time out',
  ])
    t.same(privateWords(text), [], text)
  t.end()
})

t.test('names, comments, messages and documents use the words of the field', t => {
  t.ok(files.length > 500, `${files.length} files`)
  const needed = new Set<RegExp>()
  for (const file of files) {
    let text = `${file}\n${readFileSync(join(root, file), 'utf8')}`
    if (file === STYLE_PAGE.file) {
      const [from, to] = [text.indexOf(STYLE_PAGE.from), text.indexOf(STYLE_PAGE.to)]
      t.ok(from > 0 && to > from, 'the style page is where it is expected')
      // Line numbers stay.
      text = text.slice(0, from) + text.slice(from, to).replace(/[^\n]/g, '') + text.slice(to)
    }
    // The first line is the name of the file.
    const found = privateWords(text, exception => needed.add(exception)).map(sentence => {
      const [line, ...rest] = sentence.split(':')
      return `${file}:${Number(line) - 1}:${rest.join(':')}`
    })
    if (found.length > 0) t.fail(found.join('\n'))
  }
  t.same(
    EXCEPTIONS.filter(({ text }) => !needed.has(text)).map(({ reason }) => reason),
    [],
    'every exception is needed',
  )
  t.end()
})
