import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, normalize, sep } from 'node:path'
import t from 'tap'
import ts from 'typescript'

/**
 * A parser is an exported function of lib named `parse…` or `decode…` whose first parameter is text or bytes, or named `read…` whose first
 * parameter is a text that is called so. (The first parameter of other functions named `read…` is the name of what they read. Objects,
 * which are `unknown`, have fuzz tests of their own: objects.test.ts and worker-messages.test.ts.)
 *
 * It counts as fuzzed if a file of test/fuzz imports it, or imports a file of lib that imports it. More steps would count nearly all of lib.
 */
const PARSER_NAME = /^(parse|decode)[A-Z]/
const READER_NAME = /^read[A-Z]/
const TEXT_TYPES = ['string', 'Buffer', 'Uint8Array']
const TEXT_NAMES = ['text', 'line', 'output', 'stdout', 'stderr']

/** `file: function` that no fuzz test has to use, with the reason. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  'lib/source/read-plain-scalar.ts: readPlainScalar': 'readYaml gives it each plain scalar of the fuzz test of YAML',
}

interface SourceFile {
  readonly path: string
  readonly parsers: readonly string[]
  /** What it imports of lib and uses as a value, as `file: name`. */
  readonly imports: readonly string[]
}

const root = process.cwd()
const lib = readFolder('lib')
const fuzzTests = readFolder(join('test', 'fuzz'))
const parsers = lib.flatMap(({ path, parsers }) => parsers.map(name => `${path}: ${name}`))
const direct = fuzzTests.flatMap(({ imports }) => imports)
const filesOfFuzzTests = new Set(direct.map(fileOf))
const byFiles = lib.filter(({ path }) => filesOfFuzzTests.has(path)).flatMap(({ imports }) => imports)
const fuzzed = new Set([...direct, ...byFiles])

function readFolder(folder: string): SourceFile[] {
  if (!existsSync(join(root, folder)))
    throw new Error(`No ${folder} in "${root}": run the tests from the root of the repository`)
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => readSource(join(folder, name).split(sep).join('/')))
}

function readSource(path: string): SourceFile {
  const source = ts.createSourceFile(path, readFileSync(join(root, path), 'utf8'), ts.ScriptTarget.ESNext, true)
  return {
    path,
    parsers: source.statements
      .filter(isExported)
      .flatMap(functionsOf)
      .filter(isParser)
      .map(([name]) => name),
    imports: source.statements.filter(ts.isImportDeclaration).flatMap(declaration => importsOf(path, declaration)),
  }
}

function importsOf(path: string, { importClause, moduleSpecifier }: ts.ImportDeclaration): string[] {
  const bindings = importClause?.namedBindings
  const { text } = moduleSpecifier as ts.StringLiteral
  if (
    !text.startsWith('.') ||
    importClause?.isTypeOnly === true ||
    bindings === undefined ||
    !ts.isNamedImports(bindings)
  )
    return []
  const to = normalize(join(dirname(path), text))
    .split(sep)
    .join('/')
    .replace(/\.js$/, '.ts')
  const values = bindings.elements.filter(({ isTypeOnly }) => !isTypeOnly)
  return values.map(({ name, propertyName }) => `${to}: ${(propertyName ?? name).text}`)
}

function isExported(statement: ts.Statement): boolean {
  const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : []
  return modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
}

/** The functions that a statement declares, each with its first parameter. */
function functionsOf(statement: ts.Statement): (readonly [name: string, first: ts.ParameterDeclaration | undefined])[] {
  if (ts.isFunctionDeclaration(statement)) return [[statement.name?.text ?? '', statement.parameters[0]]]
  if (!ts.isVariableStatement(statement)) return []
  return statement.declarationList.declarations.flatMap(({ name, initializer }) =>
    initializer !== undefined && (ts.isArrowFunction(initializer) || ts.isFunctionExpression(initializer))
      ? [[name.getText(), initializer.parameters[0]] as const]
      : [],
  )
}

function isParser([name, first]: readonly [string, ts.ParameterDeclaration | undefined]): boolean {
  if (first === undefined || !TEXT_TYPES.includes(first.type?.getText() ?? '')) return false
  return PARSER_NAME.test(name) || (READER_NAME.test(name) && TEXT_NAMES.includes(first.name.getText()))
}

function fileOf(entry: string): string {
  return entry.slice(0, entry.indexOf(':'))
}

t.test('Parsers and fuzz tests are found', t => {
  t.ok(parsers.length > 30, `${parsers.length} parsers`)
  t.ok(fuzzTests.length > 8, `${fuzzTests.length} fuzz tests`)
  t.ok(parsers.includes('lib/source/read-yaml.ts: readYaml') && direct.includes('lib/source/read-yaml.ts: readYaml'))
  t.end()
})

t.test('Every parser of text or bytes has a fuzz test', t => {
  const missing = parsers.filter(parser => !fuzzed.has(parser))
  t.same(
    missing.filter(parser => !(parser in EXCEPTIONS)),
    [],
    'add it to a file of test/fuzz with examples, or to the exceptions with a reason',
  )
  t.same(
    Object.keys(EXCEPTIONS).filter(parser => !missing.includes(parser)),
    [],
    'every exception is needed',
  )
  t.end()
})
