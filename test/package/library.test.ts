import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t from 'tap'
import * as library from '../../lib/index.js'
import { makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { WITHOUT_TAP_LOADER, NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'

/** A block of docs/library.md, with what it prints. */
interface Example {
  readonly name: string
  readonly language: 'js' | 'ts'
  readonly code: string
  readonly output: string | undefined
}

const root = process.cwd()
/** Both compilers that our users have: the one with a JavaScript API, and the native one. */
const COMPILERS = ['typescript', 'typescript-native']
const PROXY_EXAMPLE = 'proxy'

const docs = readFileSync(join(root, 'docs', 'library.md'), 'utf8')
const examples: readonly Example[] = [
  ...docs.matchAll(/```(js|ts)(?: (\w+))?\n([^]*?)```(?:\n\n```text\n([^]*?)```)?/g),
].map(([, language, name, code, output], index) => ({
  name: name ?? `example-${index}`,
  language: language as Example['language'],
  code: code!,
  output,
}))

const folder = mkdtempSync(join(tmpdir(), 'kube-proxy-node-package-'))
t.teardown(() => rmSync(folder, { recursive: true }))
const consumer = join(folder, 'consumer')
const installed = join(consumer, 'node_modules', 'kube-proxy-node')
install()

/** Packs this package, and installs it and only the dependencies that it names into an empty folder. */
function install(): void {
  const packed = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }]
  mkdirSync(installed, { recursive: true })
  execFileSync('tar', ['-xzf', join(folder, filename), '-C', installed, '--strip-components=1'])
  const { dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  // @types/node is the user's own: docs/library.md asks for it.
  for (const name of [...Object.keys(dependencies), '@types/node']) {
    const link = join(consumer, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), link)
  }
  writeFileSync(join(consumer, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
}

function run(file: string, ...args: readonly string[]): string {
  return execFileSync(process.execPath, [file, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: consumer,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' },
  })
}

/** Compiles all examples, as a careful user would; returns what the compiler has to say. */
function compile(compiler: string): string {
  const options = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    module: 'nodenext',
    target: 'es2023',
    lib: ['es2023'],
    types: ['node'],
    outDir: compiler,
  }
  for (const { name, code } of examples) writeFileSync(join(consumer, `${name}.mts`), code)
  const files = examples.map(({ name }) => `${name}.mts`)
  writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files }))
  try {
    const program = join(root, 'node_modules', compiler, 'bin', 'tsc')
    // tap's loader cannot load an ES module without an extension, as this compiler is.
    return execFileSync('env', [...WITHOUT_TAP_LOADER, process.execPath, program, '-p', '.'], {
      cwd: consumer,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    return `${String(error)}\n${stdout ?? ''}${stderr ?? ''}`
  }
}

t.test('docs/library.md names every export that is a value, and no other', t => {
  const table = docs.split('\n## ')[0]!
  const names = [...table.matchAll(/`([A-Za-z_]+)`/g)].map(([, name]) => name!)
  for (const name of Object.keys(library)) t.ok(names.includes(name), name)
  const exported = [...table.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell]) => cell!.replaceAll('`', '').split(', '))
  t.strictSame(exported.sort(), Object.keys(library).sort(), 'and its table names nothing else')
  t.end()
})

t.test('the package has every document that README links to, and no sources or tests', t => {
  const readme = readFileSync(join(installed, 'README.md'), 'utf8')
  const links = [...readme.matchAll(/\]\(([^)\s#:]+)(?:#[^)]*)?\)/g)].map(([, link]) => link!)
  t.ok(links.length > 10, `${links.length} links`)
  for (const link of new Set(links)) t.ok(existsSync(join(installed, link)), link)
  for (const path of ['dist/test', 'dist/bench', 'lib', 'test', 'node_modules'])
    t.notOk(existsSync(join(installed, path)), `${path} is not packed`)
  t.end()
})

t.test('the installed command starts', t => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  t.equal(run('node_modules/kube-proxy-node/dist/bin/kube-proxy.js', '--version'), `kube-proxy-node v${version}\n`)
  t.end()
})

t.test('files of the package cannot be imported around the entry', t => {
  writeFileSync(join(consumer, 'deep.mjs'), "await import('kube-proxy-node/dist/lib/cli/main.js')\n")
  t.throws(() => run('deep.mjs'), /ERR_PACKAGE_PATH_NOT_EXPORTED/)
  t.end()
})

for (const compiler of COMPILERS) {
  t.test(`examples are correct TypeScript by the types of the package (${compiler})`, t => {
    t.equal(compile(compiler), '')
    t.ok(existsSync(join(consumer, compiler, `${PROXY_EXAMPLE}.mjs`)))
    t.end()
  })
}

t.test('examples print what docs/library.md says, as JavaScript and as compiled TypeScript', t => {
  const printing = examples.filter(({ output }) => output !== undefined)
  t.ok(printing.length >= 5, `${printing.length} examples`)
  t.same(
    examples.filter(({ output }) => output === undefined).map(({ name }) => name),
    [PROXY_EXAMPLE],
  )
  for (const { name, language, code, output } of printing) {
    if (language === 'js') {
      writeFileSync(join(consumer, `${name}.mjs`), code)
      t.equal(run(`${name}.mjs`), output, `${name} as JavaScript`)
    }
    t.equal(run(join(COMPILERS[0]!, `${name}.mjs`)), output, `${name} as TypeScript`)
  }
  t.end()
})

t.test(
  'the example of a whole proxy serves a Service until it is stopped',
  { skip: namespacesUnavailable },
  async t => {
    const network = await NodeNetwork.create(t)
    const { ip } = await network.addServer('a')
    mkdirSync(join(consumer, 'manifests'))
    const manifests = [
      makeServiceManifest('web', { clusterIP: '10.96.0.10', port: 80 }),
      makeSliceManifest('web', [ip], 8080),
    ]
    for (const [index, manifest] of manifests.entries())
      writeFileSync(join(consumer, 'manifests', `${index}.yaml`), JSON.stringify(manifest))
    const code = examples.find(({ name }) => name === PROXY_EXAMPLE)!.code
    writeFileSync(join(consumer, 'proxy.mjs'), code)
    const client = new NetworkClient(network, (await network.addPod()).namespace)
    for (const file of ['proxy.mjs', join(COMPILERS[0]!, 'proxy.mjs')]) {
      const proxy = network.start(network.node, 'env', ['-C', consumer, process.execPath, file])
      let printed = ''
      proxy.stdout!.on('data', (data: Buffer) => (printed += String(data)))
      let log = ''
      proxy.stderr!.on('data', (data: Buffer) => (log += String(data)))
      await waitUntil(() => log.includes('Starting') || proxy.exitCode !== null, 'the proxy started')
      const isServing = async () => (await client.tcp('10.96.0.10', 80)) === 'a'
      await waitUntil(async () => proxy.exitCode !== null || (await isServing()), `${file} serves the ClusterIP`)
      if (proxy.exitCode !== null) throw new Error(`${file} ended with exit code ${proxy.exitCode}: ${log}`)
      proxy.kill('SIGTERM')
      const [exitCode] = (await once(proxy, 'close')) as [number | null]
      t.equal(exitCode, 0)
      t.equal(printed, 'stopped\n')
    }
    t.end()
  },
)
