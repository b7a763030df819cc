import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import t from 'tap'
import { FLAGS } from '../lib/config/options.js'
import { readConfig } from '../lib/config/read-config.js'
import { MODES } from '../lib/modes/registry.js'
import { nodeMissingFailure } from '../lib/node/node-failures.js'
import { NodeManager } from '../lib/node/node-manager.js'
import { EXPECTED_DIFFERENCES } from './support/comparison/expected-differences.js'

/** Flags that the documents name and that are not flags of the proxy: of its other commands, and of other programs. */
const FLAGS_OF_OTHERS = [
  ...['--keep', '--manifest', '--page', '--page-port', '--help', '--dport', '--to-destination'],
  ...['--rules', '--node-address', '--pod-cidr'],
]
const PICTURE = 'docs/pictures/demo.svg'
const LARGEST_PICTURE = 200_000
/** Documents whose file names are not checked: the changelog may name files that are gone. */
const UNCHECKED = ['CHANGELOG.md', 'ARCHITECTURE.md']

const root = process.cwd()
const { config } = readConfig({}, 'node-1', MODES)
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const filesIn = (folder: string): string[] =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(name => `${folder}/${name}`)
    : []
const tests = filesIn('test')
const documents = [
  ...readdirSync(root).filter(name => name.endsWith('.md')),
  ...[...filesIn('docs'), ...filesIn('deploy')].filter(name => name.endsWith('.md')),
]

/** The cells of all tables in a text, without their heads. */
function rowsOf(text: string): string[][] {
  const tables = text.matchAll(/(?:^\|.*\n)+/gm)
  // A stroke in a cell is written \|.
  return [...tables].flatMap(([table]) =>
    table
      .trim()
      .split('\n')
      .slice(2)
      .map(line =>
        line
          .split(/(?<!\\)\|/)
          .slice(1, -1)
          .map(cell => cell.trim()),
      ),
  )
}

/** The text below a heading, up to the next heading of the same level. */
function section(text: string, heading: string): string {
  return text.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
}

/** What stands in backquotes in a cell of tests. */
function shownBy(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)
}

function isTest(name: string): boolean {
  if (name.startsWith('npm run bench -- ')) {
    const file = `${name.split(' ').at(-1)}.ts`
    return [...tests, ...filesIn('bench')].some(path => basename(path) === file)
  }
  if (name.endsWith('/')) return tests.some(test => test.startsWith(name) && test.endsWith('.test.ts'))
  if (name.includes('/')) return tests.includes(name)
  // A name that several files have needs its path.
  return tests.filter(test => basename(test) === name).length === 1
}

/** The anchors of a document as GitHub makes them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

t.test('README: each row about what works names a document', t => {
  const rows = rowsOf(section(read('README.md'), 'What works'))
  t.ok(rows.length >= 15, `${rows.length} rows`)
  for (const row of rows) t.match(row.at(-1), /\]\([^)]+\.md[^)]*\)/, String(row[0]))
  t.end()
})

t.test('every link between documents leads to a file and a heading', t => {
  t.ok(documents.length >= 15, `${documents.length} documents`)
  for (const document of documents) {
    const links = [...read(document).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!)
    for (const link of links.filter(link => !/^[a-z]+:/.test(link))) {
      const [path, anchor] = link.split('#') as [string, string?]
      const target = path === '' ? document : join(dirname(document), path)
      t.ok(existsSync(join(root, target)), `${document}: ${link} exists`)
      if (anchor !== undefined && target.endsWith('.md'))
        t.ok(anchorsOf(read(target)).includes(anchor), `${document}: ${link} is a heading`)
    }
  }
  t.end()
})

t.test('the package contains every document that README links to', t => {
  const { files } = JSON.parse(read('package.json')) as { files: string[] }
  // npm packs these two without being asked.
  const packed = [...files, 'README.md', 'LICENSE']
  const links = [...read('README.md').matchAll(/\]\(([^)\s#:]+)(?:#[^)]*)?\)/g)].map(([, link]) => link!)
  t.ok(links.length > 10, `${links.length} links`)
  for (const link of new Set(links))
    t.ok(
      packed.some(name => link === name || link.startsWith(`${name}/`)),
      link,
    )
  t.end()
})

t.test('every source file that a document names exists', t => {
  const sources = [...['lib', 'bin', 'docs', 'bench', 'deploy'].flatMap(filesIn), ...tests]
  for (const document of documents.filter(name => !UNCHECKED.includes(name))) {
    const names = [...read(document).matchAll(/`([\w/.-]+\.(?:ts|mjs))`/g)].map(([, name]) => name!)
    for (const name of new Set(names))
      t.ok(
        sources.some(path => path === name || path.endsWith(`/${name}`)),
        `${document}: ${name}`,
      )
  }
  t.end()
})

t.test('README: the picture is small and self-contained', t => {
  const svg = read(PICTURE)
  t.match(read('README.md'), `](${PICTURE})`)
  t.ok(svg.length < LARGEST_PICTURE, `${svg.length} bytes`)
  t.notMatch(svg, /<script|<foreignObject|<image|@import|url\(|href=/, 'needs nothing from outside')
  t.match(svg, /prefers-reduced-motion/, 'stands still for readers who want that')
  t.end()
})

t.test('DIFFERENCES: each row names tests that exist, and judges in one of a few words', t => {
  const rows = rowsOf(read('DIFFERENCES.md'))
  t.ok(rows.length >= 40, `${rows.length} rows`)
  for (const row of rows) {
    t.equal(row.length, 6, String(row[0]))
    t.ok(['same', 'better', 'worse', 'different', 'absent'].includes(row[4]!), `${row[0]}: "${row[4]}"`)
    const named = shownBy(row[5]!)
    t.ok(named.length > 0, `"${row[0]}" names a test`)
    t.strictSame(
      named.filter(name => !isTest(name)),
      [],
      `"${row[0]}" names only tests that exist, each so that it is one file`,
    )
    t.equal(new Set(named).size, named.length, `"${row[0]}" names each test once`)
  }
  t.end()
})

t.test('DIFFERENCES: each known difference from the original iptables mode has a row', t => {
  const rows = rowsOf(section(read('DIFFERENCES.md'), 'iptables mode'))
  const shown = rows.filter(row => shownBy(row.at(-1)!).includes('compare-with-original.test.ts'))
  const features = new Set(shown.map(([feature]) => feature))
  for (const { name, documentedAs } of EXPECTED_DIFFERENCES) t.ok(features.has(documentedAs), name)
  t.end()
})

t.test('DIFFERENCES: every test with a node is named', t => {
  const named = new Set(rowsOf(read('DIFFERENCES.md')).flatMap(row => shownBy(row.at(-1)!)))
  const nodeTests = tests.filter(test => /^test\/integration\/.*\.test\.ts$/.test(test))
  t.ok(nodeTests.length > 10, `${nodeTests.length} tests`)
  t.strictSame(
    nodeTests.filter(test => !named.has(test) && !named.has(basename(test))).map(test => basename(test)),
    [
      'absent-back-ends-in-vm.test.ts',
      'absent-back-ends.test.ts',
      'ask-in-ipvs-mode.test.ts',
      'ask-reset.test.ts',
      'ask.test.ts',
      'demo-cluster.test.ts',
      'demo-page-api-server.test.ts',
      'demo-page-faults.test.ts',
      'demo-page-lessons.test.ts',
      'demo-page-on-host.test.ts',
      'demo-page.test.ts',
      'documented-commands.test.ts',
      'fourth-mode.test.ts',
      'learn.test.ts',
      'live-options-in-iptables-mode.test.ts',
      'monitoring-in-iptables-mode.test.ts',
      'monitoring-in-ipvs-mode.test.ts',
      'real-api-server.test.ts',
      'with-two-workers.test.ts',
      'without-workers.test.ts',
    ],
    'those are about questions, lessons, other kernels, commands of documents, where objects come from, the shape of the program, and others once more',
  )
  t.end()
})

t.test('CONTRIBUTING: the pairs about flags, errors and log messages show what the program says', t => {
  const sources = filesIn('lib').filter(name => name.endsWith('.ts'))
  const texts = [
    ...sources.map(read),
    nodeMissingFailure('x', new NodeManager(config, () => undefined).waitReason ?? '', 300_000).message,
  ]
  const pairs = rowsOf(section(read('CONTRIBUTING.md'), 'How we write')).filter(([where]) =>
    ['flag', 'error', 'log'].includes(where!),
  )
  t.ok(pairs.length >= 6, `${pairs.length} pairs`)
  for (const [where, , said] of pairs) {
    // A long text is cut at its end.
    const part = said!.replace(/, …$/, '')
    t.ok(
      texts.some(text => text.includes(part)),
      `${where}: ${said}`,
    )
  }
  t.end()
})

t.test('docs/reliability.md: what userspace mode cannot promise is what was measured', t => {
  const page = read('docs/reliability.md')
  const [, exceptions] = /^\*\*What userspace mode cannot promise\.\*\*(.*?)^$/ms.exec(page) ?? []
  const named = [...(exceptions ?? '').matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor!)
  // The measured rows of this proxy begin with the verdict.
  const leadsToClosedPort = /^\| [✓✗] .*a closed port/m
  const measured = page.split(/^### /m).filter(part => leadsToClosedPort.test(part))
  t.strictSame(
    named,
    measured.flatMap(part => anchorsOf(`### ${part.split('\n', 1)[0]}`)),
  )
  t.end()
})

t.test('SECURITY: each port and socket that an option opens is in the threat model', t => {
  const model = section(read('SECURITY.md'), 'Who could attack, and what stops them')
  const opening = FLAGS.filter(({ name }) => /-(address|socket)$/.test(name) && name !== 'bind-address')
  t.same(
    opening.map(({ name }) => name).sort(),
    ['dashboard-bind-address', 'healthz-bind-address', 'metrics-bind-address', 'status-socket'],
    'a new one needs a row',
  )
  for (const { name, default: byDefault } of opening) {
    const port = /:(\d+)$/.exec(byDefault!)?.[1]
    t.match(model, port === undefined ? `\`--${name}\`` : RegExp(`[Pp]ort ${port}\\b`), name)
  }
  t.end()
})

t.test('every flag in the documents exists', t => {
  const docs = ['README.md', 'DIFFERENCES.md', 'docs/errors.md', 'docs/modes.md', 'ARCHITECTURE.md']
    .map(read)
    .join('\n')
  const flags = new Set([...FLAGS.map(({ name }) => `--${name}`), ...FLAGS_OF_OTHERS])
  for (const [flag] of docs.matchAll(/(?<![\w-])--[a-z][a-z-]*[a-z]/g))
    t.ok(flags.has(flag) || [...flags].some(name => name.startsWith(`${flag}-`)), flag)
  t.end()
})
