import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { basename, dirname, join, normalize, sep } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { failAndEndTest } from './support/checks/fail-and-end-test.js'

/** The scripts in bin are JavaScript that runs before anything is compiled, so they have no types. */
const { PAGE_LIBRARIES } = (await import(join(process.cwd(), 'bin', 'page-packages.mjs'))) as {
  readonly PAGE_LIBRARIES: readonly string[]
}

/**
 * The building has floors. A file uses its own folder and what lies on lower floors: never upwards, never across to
 * another folder of the same floor.
 */
const FLOORS: readonly (readonly string[])[] = [
  ['lib/model'],
  ['lib/primitives'],
  ['lib/snapshot', 'lib/balancer', 'lib/netfilter', 'lib/frontends', 'lib/config'],
  ['lib/source', 'lib/system', 'lib/dataplane'],
  ['lib/modes', 'lib/node', 'lib/observe'],
  ['lib/workers', 'lib/failover', 'lib/terminal', 'lib/explain', 'lib/status'],
  ['lib/doctor'],
  ['lib/control'],
  ['lib/demo', 'lib/check'],
  ['lib/ask'],
  ['lib/learn'],
  ['lib/demo-page'],
  ['lib/cli'],
  // What a browser shows: it knows the answers of the proxy by their types only.
  ['bin', 'lib/page'],
]

/** `from → to` folders that may be used against the rule, each with its reason. None is needed. */
const FLOOR_EXCEPTIONS: Readonly<Record<string, string>> = {}

/** Floors whose code decides and does nothing: the same input gives the same output, without looking at the world. */
const PURE_FLOORS = 3
const IMPURE_NAMES = [
  ...[
    'Date',
    'process',
    'console',
    'performance',
    'crypto',
    'fetch',
    'globalThis',
    'global',
    'require',
    'queueMicrotask',
  ],
  ...['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'],
]
/** Uses of an impure name that are pure: they only compute. */
const PURE_USES = ['Date.parse', 'Date.UTC']
const IMPURE_USES = ['Math.random']

/**
 * What reads the time of day, with the reason. Nothing else may: when the clock of a node is set, a wait that is measured with it ends at
 * once or lasts for hours.
 */
const TIME_OF_DAY: Readonly<Record<string, string>> = {
  'lib/cli/status/run-status.ts': 'the age of a connection is the time since it opened',
  'lib/control/build-parts.ts': 'metrics and pages show when the process has started',
  'lib/control/build-sync-parts.ts': 'metrics and /healthz show when rules were written',
  'lib/observe/exec-metrics.ts': 'certificates expire at a time of day',
  'lib/observe/health-server.ts': '/healthz shows the time',
  'lib/observe/metrics-server.ts': '/statusz shows the time',
  'lib/observe/microsecond-clock.ts': 'log lines show the time',
  'lib/observe/profile-routes.ts': 'a profile shows when it was taken',
  'lib/source/event-recorder.ts': 'an Event shows when it happened',
  'lib/source/exec-credentials.ts': 'credentials expire at a time of day',
  'lib/source/kube-client.ts': 'Retry-After may be a time of day',
  'lib/source/manifest-files.ts': 'the age of a file; a time in the future has no effect',
}

/** What a mode decides beside its `plan.ts`. */
const PURE_DECISIONS = [
  'lib/modes/stale-flows.ts',
  'lib/modes/userspace/forecast.ts',
  'lib/modes/userspace/frontend-rules.ts',
  'lib/modes/userspace/observed-proxy-ports.ts',
  'lib/modes/userspace/reserved-ports.ts',
  'lib/modes/iptables/flow-frontends.ts',
  'lib/modes/iptables/forecast.ts',
  'lib/modes/ipvs/forecast.ts',
  'lib/modes/ipvs/leftovers.ts',
  'lib/modes/ipvs/server-changes.ts',
]
/** Contracts through which code acts on the world. A plan does not even name them. */
const EFFECT_CONTRACTS = ['lib/model/clock.ts', 'lib/model/event-sink.ts', 'lib/model/log.ts']
/** What a plan may import nevertheless, with the reason. */
const PLAN_ALLOWANCES: Readonly<Record<string, string>> = {
  'lib/modes/iptables/service-chain-names.ts imports node:crypto':
    'uses its SHA-256, which only computes: kube-proxy names chains by it',
}

/** Where the modes are listed: the only file that imports all of them. */
const MODE_REGISTRY = 'lib/modes/registry.ts'
/** What else imports files of a mode, with the reason. */
const MODE_IMPORTS: Readonly<Record<string, string>> = {
  'lib/failover/kernel-failover.ts imports lib/modes/iptables/mode.ts':
    'the kernel takes over with the rules of this mode',
  'lib/failover/kernel-failover.ts imports lib/modes/iptables/proxier.ts': 'its script needs the desired rules as text',
}

/** Where each library may be used: a path, or the beginning of one. Built-in modules of Node are free above the pure floors. */
const LIBRARY_HOMES: Readonly<Record<string, readonly string[]>> = {
  '@kubernetes/client-node': ['lib/source/load-credentials.ts'],
  'dns-packet': ['lib/demo/'],
  'pprof-format': ['lib/observe/pprof-profile.ts'],
  'prom-client': ['lib/observe/'],
  preact: ['lib/page/'],
  '@preact/signals': ['lib/page/'],
  'wouter-preact': ['lib/page/'],
  'tap-parser': ['bin/tap-report.mjs'],
  yaml: ['lib/source/', 'lib/demo/'],
  yargs: ['lib/cli/'],
}
/** Libraries that are loaded when they are needed and not before, since they are large. */
const LOADED_LATE = ['@kubernetes/client-node']

/** A file that needs more does more than one job. */
const MAX_LINES = 300

const FORBIDDEN_FOLDERS = ['utils', 'util', 'helpers', 'helper', 'common', 'types', 'misc', 'shared', 'lib']

/** Files whose name stands in none of their exports, with the reason. */
const FREE_NAMES: Readonly<Record<string, string>> = {
  'lib/modes/registry.ts': 'the registry is the list of modes, and how to find one in it',
  'lib/node/node-failures.ts': 'makes failures of one kind',
  'lib/netfilter/iptables-restore.ts': 'makes the input of the program of that name',
  'lib/source/event-object.ts': 'makes objects of one kind',
  'lib/demo/example-objects.ts': 'several objects that are one example',
  'lib/demo/cluster-objects.ts': 'several objects that are one cluster',
  'lib/model/objects.ts': 'the API objects together: they are one vocabulary',
  'lib/source/api-failure.ts': 'makes failures of one kind',
  'lib/workers/worker-messages.ts': 'several messages that are one conversation',
  'lib/system/node-addresses.ts': 'all about one matter, in several functions',
}

interface Import {
  readonly from: string
  /** A path below the root, or the name of a package. */
  readonly to: string
  readonly isDynamic: boolean
  readonly isType: boolean
}

interface SourceFile {
  readonly path: string
  readonly imports: readonly Import[]
  readonly exports: readonly string[]
  /** Names that are read from the global scope, `Math.random` for a property of one. */
  readonly names: readonly string[]
  /** Tables of the file, outside of functions, that are plain objects with any text as a key. */
  readonly plainTables: readonly string[]
}

const root = process.cwd()
if (!existsSync(join(root, 'lib', 'model')))
  throw new Error(`No lib in "${root}": run the tests from the root of the repository`)

const files = ['lib', 'bin'].flatMap(filesIn).map(readSource)
const byPath = new Map(files.map(file => [file.path, file]))

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => /\.(ts|tsx|mjs)$/.test(name))
    .map(name => join(folder, name).split(sep).join('/'))
    .sort()
}

function readSource(path: string): SourceFile {
  const source = ts.createSourceFile(path, readFileSync(join(root, path), 'utf8'), ts.ScriptTarget.ESNext, true)
  const imports: Import[] = []
  const exports: string[] = []
  const names: string[] = []
  const add = (specifier: ts.Expression, kind: Pick<Import, 'isDynamic' | 'isType'>): void => {
    if (!ts.isStringLiteral(specifier)) throw new Error(`${path}: an import of something that is no plain text`)
    const { text } = specifier
    const to = text.startsWith('.')
      ? normalize(join(dirname(path), text)).replace(/\.js$/, sourceEnding(path, text))
      : packageOf(text)
    imports.push({ from: path, to, ...kind })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      const clause = node.importClause
      const bindings = clause?.namedBindings
      const onlyTypes =
        clause?.isTypeOnly === true ||
        (bindings !== undefined &&
          ts.isNamedImports(bindings) &&
          bindings.elements.every(({ isTypeOnly }) => isTypeOnly))
      return add(node.moduleSpecifier, { isDynamic: false, isType: onlyTypes && clause?.name === undefined })
    }
    if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined)
      return add(node.moduleSpecifier, { isDynamic: false, isType: node.isTypeOnly })
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal))
      add(node.argument.literal, { isDynamic: true, isType: true })
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0]!, { isDynamic: true, isType: false })
    if (isReadOfName(node)) {
      const parent = node.parent
      const isOwner = ts.isPropertyAccessExpression(parent) && parent.expression === node
      names.push(node.text, ...(isOwner ? [`${node.text}.${parent.name.text}`] : []))
    }
    ts.forEachChild(node, visit)
  }
  ts.forEachChild(source, visit)
  for (const statement of source.statements) exports.push(...exportedNames(statement))
  return { path, imports, exports, names, plainTables: source.statements.flatMap(plainTables) }
}

/** The ending of the source that an import means. */
function sourceEnding(from: string, specifier: string): '.ts' | '.tsx' {
  const source = join(root, dirname(from), specifier)
  return existsSync(source.replace(/\.js$/, '.tsx')) ? '.tsx' : '.ts'
}

/** `@scope/name/deep/file` is of the package `@scope/name`. */
function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}

/** A name that stands for a value, and is no label, property or type. */
function isReadOfName(node: ts.Node): node is ts.Identifier {
  if (!ts.isIdentifier(node)) return false
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) return false
  if (ts.isQualifiedName(parent) || ts.isTypeReferenceNode(parent)) return false
  return !('name' in parent && parent.name === node) || ts.isShorthandPropertyAssignment(parent)
}

function exportedNames(statement: ts.Statement): string[] {
  const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : []
  if (!modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return []
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.map(({ name }) => (ts.isIdentifier(name) ? name.text : ''))
  const { name } = statement as unknown as { readonly name?: ts.Identifier }
  return name === undefined ? [] : [name.text]
}

function plainTables(statement: ts.Statement): readonly string[] {
  if (!ts.isVariableStatement(statement)) return []
  return statement.declarationList.declarations
    .filter(({ type }) => /^(Readonly<)?Record<string,/.test(type?.getText() ?? ''))
    .map(({ name }) => name.getText())
}

/** The folder of a floor that a path belongs to. */
function homeOf(path: string): string | undefined {
  return FLOORS.flat().find(folder => path.startsWith(`${folder}/`))
}

function floorOf(folder: string): number {
  return FLOORS.findIndex(folders => folders.includes(folder))
}

const ownImports = files
  .flatMap(({ imports }) => imports)
  .filter(({ to }) => to.startsWith('lib/') || to.startsWith('bin/'))
const libraryImports = files.flatMap(({ imports }) => imports).filter(({ to }) => !/^(lib\/|bin\/|node:)/.test(to))

void t.test('The files are read as they are', t => {
  t.ok(files.length > 80, `${files.length} files`)
  t.ok(ownImports.length > 300, `${ownImports.length} imports`)
  t.same(
    ownImports.filter(({ to }) => !byPath.has(to)),
    [],
    'every import is of a file that is there',
  )
  const loop = byPath.get('lib/control/sync-loop.ts')!
  t.ok(loop.imports.some(({ to }) => to === 'lib/snapshot/build-snapshot.ts'))
  t.ok(loop.exports.includes('SyncLoop'))
  t.ok(byPath.get('lib/system/real-clock.ts')?.names.includes('setTimeout'))
  t.end()
})

void t.test('Every file lives on a floor', t => {
  for (const { path } of files.filter(({ path }) => /\.tsx?$/.test(path) && dirname(path) !== 'lib'))
    t.ok(homeOf(path), path)
  t.end()
})

void t.test('A file uses its own folder and lower floors only', t => {
  const used = new Set<string>()
  const wrong: string[] = []
  for (const { from, to } of ownImports) {
    const [here, there] = [homeOf(from), homeOf(to)]
    if (here === undefined || there === undefined || here === there || floorOf(there) < floorOf(here)) continue
    const way = `${here} → ${there}`
    used.add(way)
    if (!(way in FLOOR_EXCEPTIONS)) wrong.push(`${from} uses ${to}`)
  }
  t.same(wrong, [])
  t.same(
    Object.keys(FLOOR_EXCEPTIONS).filter(way => !used.has(way)),
    [],
    'every exception is needed',
  )
  t.end()
})

void t.test('The page knows the proxy and the demo by their answers only: it imports types', t => {
  const imports = ownImports.filter(({ from, to }) => from.startsWith('lib/page/') && !to.startsWith('lib/page/'))
  t.ok(imports.length > 5, `${imports.length} imports`)
  t.same(
    imports.filter(
      ({ to, isType }) =>
        !isType ||
        (dirname(to) !== 'lib/status' &&
          !['lib/demo-page/demo-document.ts', 'lib/explain/explanation.ts'].includes(to)),
    ),
    [],
  )
  t.end()
})

void t.test('No file uses itself by way of others, in values or in types', t => {
  const cycles: string[] = []
  const done = new Set<string>()
  const walk = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) return void cycles.push([...way.slice(way.indexOf(path)), path].join(' → '))
    if (done.has(path)) return
    for (const { to } of byPath.get(path)?.imports ?? []) if (byPath.has(to)) walk(to, [...way, path])
    done.add(path)
  }
  for (const { path } of files) walk(path, [])
  t.same(cycles, [])
  t.end()
})

/** What a file does besides computing, as messages: imports from outside of lib, and reads of impure names. */
function impurities({ path, imports, names }: SourceFile): string[] {
  const found = imports.filter(({ to }) => !to.startsWith('lib/')).map(({ to }) => `${path} imports ${to}`)
  const allowed = names.filter(name => PURE_USES.includes(name)).length
  for (const name of IMPURE_NAMES) {
    const uses = names.filter(used => used === name).length - (name === 'Date' ? allowed : 0)
    if (uses > 0) found.push(`${path} uses ${name}`)
  }
  for (const name of IMPURE_USES) if (names.includes(name)) found.push(`${path} uses ${name}`)
  return found
}

void t.test('The lowest floors only compute: no clock, no chance, no system', t => {
  const pure = files.filter(({ path }) => {
    const home = homeOf(path)
    return home !== undefined && floorOf(home) < PURE_FLOORS
  })
  t.ok(pure.length > 30, `${pure.length} files`)
  t.same(pure.flatMap(impurities), [])
  t.end()
})

void t.test('Only what shows the time of day reads it; waits use a clock that is never set', t => {
  const readers = files.filter(({ path, names }) => path.startsWith('lib/') && names.includes('Date.now'))
  t.same(readers.map(({ path }) => path).sort(), Object.keys(TIME_OF_DAY).sort())
  t.end()
})

void t.test('A table with any text as a key is a Map: a plain object also answers to "constructor"', t => {
  t.same(
    files.flatMap(({ path, plainTables }) => plainTables.map(name => `${path}: ${name}`)),
    [],
  )
  t.end()
})

void t.test('The plan of every mode only computes, and so does every decision of a mode beside its plan', t => {
  const modes = readdirSync(join(root, 'lib/modes'), { withFileTypes: true }).filter(entry => entry.isDirectory())
  t.ok(modes.length >= 3, `${modes.length} modes`)
  const plans = modes.map(({ name }) => `lib/modes/${name}/plan.ts`)
  t.same(
    [...plans, ...PURE_DECISIONS].filter(path => !byPath.has(path)),
    [],
    'every one of these files exists',
  )
  // Types outside of lib/modes are left out: they are erased, and the files that declare them may have effects.
  const reached = new Set<string>()
  const walk = (path: string): void => {
    if (reached.has(path)) return
    reached.add(path)
    for (const { to, isType } of byPath.get(path)?.imports ?? [])
      if (to.startsWith('lib/') && (!isType || to.startsWith('lib/modes/'))) walk(to)
  }
  for (const path of [...plans, ...PURE_DECISIONS]) walk(path)
  t.ok(reached.has('lib/modes/iptables/service-port-rules.ts'), 'the walk follows imports')
  const wrong = [...reached].flatMap(path => {
    const file = byPath.get(path)!
    const effects = file.imports.filter(({ to }) => EFFECT_CONTRACTS.includes(to))
    return [...impurities(file), ...effects.map(({ to }) => `${path} imports ${to}`)]
  })
  t.same(
    wrong.filter(message => !(message in PLAN_ALLOWANCES)),
    [],
  )
  t.same(
    Object.keys(PLAN_ALLOWANCES).filter(message => !wrong.includes(message)),
    [],
    'every allowance is needed',
  )
  t.end()
})

void t.test('Nothing outside of a mode imports its files, except the registry', t => {
  const modeOf = (path: string): string | undefined => /^lib\/modes\/([^/]+)\//.exec(path)?.[1]
  const wrong = ownImports
    .filter(({ from, to }) => modeOf(to) !== undefined && modeOf(to) !== modeOf(from) && from !== MODE_REGISTRY)
    .map(({ from, to }) => `${from} imports ${to}`)
  t.ok(
    ownImports.some(({ from, to }) => from === MODE_REGISTRY && modeOf(to) !== undefined),
    'the registry lists the modes',
  )
  t.same(
    wrong.filter(message => !(message in MODE_IMPORTS)),
    [],
  )
  t.same(
    Object.keys(MODE_IMPORTS).filter(message => !wrong.includes(message)),
    [],
    'every exception is needed',
  )
  t.end()
})

void t.test('Nothing outside of a mode asks for a mode by its name', t => {
  const names = readdirSync(join(root, 'lib', 'modes'), { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(({ name }) => name)
  t.ok(names.length >= 3, names.join(' '))
  const wrong: string[] = []
  for (const { path } of files.filter(({ path }) => !names.some(name => path.startsWith(`lib/modes/${name}/`)))) {
    const source = ts.createSourceFile(path, readFileSync(join(root, path), 'utf8'), ts.ScriptTarget.ESNext, true)
    const visit = (node: ts.Node): void => {
      if (ts.isStringLiteral(node) && names.includes(node.text) && isCompared(node)) wrong.push(`${path}: ${node.text}`)
      ts.forEachChild(node, visit)
    }
    visit(source)
  }
  t.same(wrong, [])
  t.end()
})

/** Whether a text is compared with something, or is a case or a key to look something up by. */
function isCompared(node: ts.StringLiteral): boolean {
  const { parent } = node
  if (ts.isBinaryExpression(parent))
    return parent.operatorToken.getText().startsWith('==') || parent.operatorToken.getText().startsWith('!=')
  if (ts.isCallExpression(parent))
    return ts.isPropertyAccessExpression(parent.expression) && parent.expression.name.text === 'includes'
  return ts.isCaseClause(parent)
}

void t.test('Every library has its home', t => {
  const wrong: string[] = []
  for (const { from, to, isDynamic, isType } of libraryImports) {
    const homes = LIBRARY_HOMES[to]
    if (homes === undefined) wrong.push(`${from} uses ${to}, which has no home`)
    else if (!homes.some(home => from.startsWith(home)))
      wrong.push(`${from} uses ${to}, whose home is ${homes.join(', ')}`)
    else if (LOADED_LATE.includes(to) && !isDynamic && !isType) wrong.push(`${from} loads ${to} at once`)
  }
  t.same(wrong, [])
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly dependencies: Record<string, string>
    readonly devDependencies: Record<string, string>
  }
  // The build bundles what the page uses.
  const isInPage = ({ from }: Import): boolean => from.startsWith('lib/page/')
  t.same(
    [...new Set(libraryImports.filter(isInPage).map(({ to }) => to))].sort(),
    PAGE_LIBRARIES,
    'what the page uses is what bin/page-packages.mjs says',
  )
  t.same(
    PAGE_LIBRARIES.filter(name => !(name in devDependencies)),
    [],
    'what is bundled into the page is a development dependency',
  )
  // The package does not ship the scripts in bin: they are for development.
  const isScript = ({ from }: Import): boolean => /^bin\/.*\.mjs$/.test(from)
  const used = new Set(libraryImports.filter(one => !isScript(one) && !isInPage(one)).map(({ to }) => to))
  t.same(
    libraryImports.filter(one => isScript(one) && !(one.to in devDependencies)).map(({ to }) => to),
    [],
    'what a script uses is a development dependency',
  )
  t.same(
    [...used].filter(name => !(name in dependencies)),
    [],
    'what is used is a dependency',
  )
  t.same(
    Object.keys(dependencies).filter(name => !used.has(name)),
    [],
    'what is a dependency is used',
  )
  t.end()
})

void t.test('A data-plane worker loads no library, and none of what only the control process needs', t => {
  const loaded = new Set<string>()
  const load = (path: string): void => {
    if (loaded.has(path)) return
    loaded.add(path)
    for (const { to, isType } of byPath.get(path)?.imports ?? []) if (!isType) load(to)
  }
  load('lib/workers/worker-main.ts')
  t.ok(loaded.has('lib/dataplane/in-process.ts'), 'it has a data plane')
  const own = [...loaded].filter(path => path.startsWith('lib/'))
  const folders = new Set(own.map(path => dirname(path)))
  t.same([...folders].sort(), [
    'lib/balancer',
    'lib/dataplane',
    'lib/dataplane/limits',
    'lib/dataplane/tcp',
    'lib/dataplane/transport',
    'lib/dataplane/udp',
    'lib/model',
    'lib/observe',
    'lib/primitives',
    'lib/system',
    'lib/workers',
  ])
  t.same(
    [...loaded].filter(path => !path.startsWith('lib/') && !path.startsWith('node:')),
    [],
    'no library',
  )
  t.end()
})

void t.test('The compiler drops imports of types alone: nothing is loaded for its types', t => {
  const folder = join(root, 'dist', 'lib')
  const compiled = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(path => path.endsWith('.js'))
  t.ok(compiled.length > 0, `${compiled.length} files`)
  t.same(
    compiled.filter(path => /^import \{\} from/m.test(readFileSync(join(folder, path), 'utf8'))),
    [],
  )
  t.end()
})

void t.test('No folder is a drawer for things without a place', t => {
  const folders = ['lib', 'bin', 'test'].flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(({ name }) => name),
  )
  t.same(
    folders.filter(name => FORBIDDEN_FOLDERS.includes(name)),
    [],
  )
  t.end()
})

void t.test('No file of the product is longer than 300 lines', t => {
  const long = files
    .map(({ path }) => ({ path, lines: readFileSync(join(root, path), 'utf8').split('\n').length - 1 }))
    .filter(({ lines }) => lines > MAX_LINES)
  t.same(long, [])
  t.end()
})

void t.test('A file is named for what it gives', t => {
  const misnamed = files
    // What gives nothing is a program.
    .filter(({ path, exports }) => exports.length > 0 && dirname(path) !== 'bin' && dirname(path) !== 'lib')
    .filter(({ path, exports }) => {
      const name = basename(path).replace(/\.tsx?$/, '')
      return !exports.some(given => `-${kebabCase(given)}-`.includes(`-${name}-`))
    })
  t.same(
    misnamed
      .filter(({ path }) => !(path in FREE_NAMES))
      .map(({ path, exports }) => `${path} gives ${exports.join(', ')}`),
    [],
  )
  t.same(
    Object.keys(FREE_NAMES).filter(path => !misnamed.some(file => file.path === path)),
    [],
    'every exception is needed',
  )
  t.end()
})

/** `parseIp` and `ParseIp` are `parse-ip`, `FLAGS` is `flags`, `PORT_RANGE` is `port-range`. */
function kebabCase(name: string): string {
  if (/^[A-Z0-9_]+$/.test(name)) return name.toLowerCase().replaceAll('_', '-')
  return name.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase()
}

void t.test('Every code of a failure is explained in docs/errors.md, and no other', t => {
  const text = readFileSync(join(root, 'lib/model/failure.ts'), 'utf8')
  const union = /export type FailureCode =([^]*?)\n\n/.exec(text)?.[1] ?? ''
  const codes = [...union.matchAll(/'([A-Z_]+)'/g)].map(([, code]) => code!)
  t.ok(codes.length > 10, `${codes.length} codes`)
  const docs = join(root, 'docs', 'errors.md')
  if (!existsSync(docs)) return failAndEndTest(t, 'docs/errors.md is missing')
  const sections = new Map<string, string>()
  for (const section of readFileSync(docs, 'utf8').split(/^#+ /m).slice(1)) {
    const [heading, ...lines] = section.split('\n')
    for (const [code] of heading!.matchAll(/\b[A-Z]+(?:_[A-Z]+)+\b/g)) sections.set(code, lines.join('\n').trim())
  }
  for (const code of codes) t.ok((sections.get(code) ?? '').length > 40, `${code} has a heading and a paragraph`)
  t.same(
    [...sections.keys()].filter(code => !codes.includes(code)),
    [],
    'no code that is not there is explained',
  )
  t.end()
})
