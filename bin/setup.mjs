// Prepares a machine with only Node and npm for `npm run demo` and `npm test`: checks first, reports what is missing, then
// installs and builds only that. With nothing to do it takes a fraction of a second.
//
//   node bin/setup.mjs [--with-tests] [--with-bench]
//
// Plain JavaScript without dependencies: it runs before there is a node_modules folder or a build.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from './build.mjs'
import { installPackages } from './install-packages.mjs'
import { collectNewUnits, disableUnits } from './installed-units.mjs'
import { removeLeftPolicy } from './service-policy.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const MIN_NODE = [20, 19]
/** What to build: the demo needs the product only; the tests include those of the benchmarks. */
const PART = process.argv.includes('--with-tests') ? undefined : 'product'
/** Program, or the path of a file, to the Debian package that brings it. */
const PROGRAMS = {
  iptables: 'iptables',
  ip: 'iproute2',
  ...((process.argv.includes('--with-questions') || process.argv.includes('--with-tests')) && {
    // These show what `kube-proxy ask` and `kube-proxy learn` prove.
    curl: 'curl',
    ping: 'iputils-ping',
    conntrack: 'conntrack',
  }),
  ...(process.argv.includes('--with-tests') && {
    sysctl: 'procps',
    ipset: 'ipset',
    ipvsadm: 'ipvsadm',
    // Some tests forge packets with raw sockets, which Node.js does not have.
    python3: 'python3',
    // Shifts the clock of one program, for the tests of faults.
    faketime: 'faketime',
    // The image is built in a Debian of its own.
    debootstrap: 'debootstrap',
    // Emulates a machine for the image for arm64.
    'qemu-system-aarch64': 'qemu-system-arm',
    // Signs the certificates of the clusters in the tests of installers.
    openssl: 'openssl',
    // Opens the page of a proxy.
    chromium: 'chromium',
    prometheus: 'prometheus',
    promtool: 'prometheus',
  }),
  ...(process.argv.includes('--with-bench') && {
    wrk: 'wrk',
    iperf3: 'iperf3',
    sockperf: 'sockperf',
    haproxy: 'haproxy',
    nginx: 'nginx-light',
    '/usr/lib/nginx/modules/ngx_stream_module.so': 'libnginx-mod-stream',
  }),
}
/** Folders whose TypeScript files are built. */
const SOURCES = ['lib', 'bin', 'test', 'bench']
/** Where system programs are, also for users whose PATH lacks it. */
const SYSTEM_PATHS = ['/usr/sbin', '/sbin', '/usr/local/sbin']

process.chdir(ROOT)
process.env.PATH = [process.env.PATH ?? '', ...SYSTEM_PATHS].join(delimiter)
checkNode()
if (process.getuid?.() === 0 && isInPath('apt-get')) removeLeftPolicy()
const packages = missingPackages()
const install = packages.length > 0 ? packageInstaller(packages) : undefined
await install?.()
installNpmPackages()
buildPart()
if (process.argv.includes('--with-tests')) prepareTap()

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1])) return
  stop(`Node.js ${process.versions.node} is too old: ${MIN_NODE.join('.')} or newer is needed.`)
}

function missingPackages() {
  const isThere = program => (program.startsWith('/') ? existsSync(program) : isInPath(program))
  const missing = Object.entries(PROGRAMS).filter(([program]) => !isThere(program))
  return [...new Set(missing.map(([, name]) => name))]
}

function isInPath(program) {
  return process.env.PATH.split(delimiter).some(folder => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** How to install system packages here; stops, before anything was changed, where that is not ours to do. */
function packageInstaller(names) {
  const what = `The system package${names.length > 1 ? 's' : ''} ${names.join(' and ')} ${names.length > 1 ? 'are' : 'is'} missing`
  if (!isInPath('apt-get')) stop(`${what}. Install with this system's package manager and try again.`)
  if (process.getuid?.() !== 0)
    stop(`${what}. Install as root and try again:\n\n    apt-get install ${names.join(' ')}`)
  return async () => {
    say(`Installing system packages: ${names.join(' ')}`)
    const units = collectNewUnits()
    const failure = await installPackages(names, { say, watch: units.watch })
    // Without systemd nothing starts them with the machine.
    if (isInPath('systemctl')) disableUnits(units.names)
    if (failure !== undefined) stop(failure)
  }
}

function installNpmPackages() {
  const current = digest(readFileSync('package-lock.json'))
  const stamp = 'node_modules/.kube-proxy-setup'
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === current) return
  say('Installing npm packages (half a minute the first time)')
  const { status, output } = run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
  if (status !== 0) stop(`npm ci failed:\n${output}`)
  writeFileSync(stamp, current)
}

function buildPart() {
  const current = digest(
    ...SOURCES.map(sources),
    readFileSync('package-lock.json'),
    ...['tsconfig.json', 'test/tsconfig.json', 'bench/tsconfig.json'].map(file => readFileSync(file)),
  )
  const stamp = `dist/.kube-proxy-setup-${PART ?? 'all'}`
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === current) return
  say('Building')
  const { status, output } = build(PART)
  if (status !== 0) stop(`The build failed:\n${output}`)
  mkdirSync('dist', { recursive: true })
  writeFileSync(stamp, current)
}

/** tap builds its own runner from the plugins in .taprc. */
function prepareTap() {
  const current = digest(readFileSync('.taprc'), readFileSync('package-lock.json'))
  const stamp = 'node_modules/.kube-proxy-setup-tap'
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === current) return
  say('Preparing the test runner')
  const { status, output } = run('npx', ['--no-install', 'tap', 'build'])
  if (status !== 0) stop(`The test runner could not be prepared:\n${output}`)
  writeFileSync(stamp, current)
}

/** Name, size and time of every source of a folder: enough to see that one has changed. */
function sources(folder) {
  const files = readdirSync(folder, { recursive: true })
    .filter(name => /\.(ts|tsx|css|html|svg)$|tsconfig\.json$/.test(name))
    .sort()
  return files
    .map(name => `${name} ${statSync(join(folder, name)).size} ${statSync(join(folder, name)).mtimeMs}`)
    .join('\n')
}

function digest(...parts) {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

function run(program, args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' })
  return { status: error ? 1 : status, output: `${stdout ?? ''}${stderr ?? ''}${error ? error.message : ''}`.trim() }
}

function say(text) {
  process.stderr.write(`${text} ...\n`)
}

function stop(text) {
  process.stderr.write(`${text}\n`)
  process.exit(1)
}
