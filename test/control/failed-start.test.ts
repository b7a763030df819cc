import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import t from 'tap'
import { WITHOUT_TAP_LOADER, namespacesUnavailable } from '../support/nodes/node-network.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'

const LIBRARY = new URL('../../lib/index.js', import.meta.url).href
const folder = mkdtempSync(join(tmpdir(), 'failed-start-'))
t.teardown(() => rmSync(folder, { recursive: true }))

interface RunOptions {
  readonly env?: NodeJS.ProcessEnv
  /** A command that runs the command that follows it. */
  readonly through?: readonly string[]
}

/** Runs a program that uses the library and has no call that ends it. */
async function runLibraryProgram(code: string, { env = {}, through = [] }: RunOptions = {}) {
  const program = `import { MODES, createDataPlane, createKubeProxy, readConfig } from '${LIBRARY}'\n${code}`
  const args = [...WITHOUT_TAP_LOADER, ...through, process.execPath, '--input-type=module', '--eval', program]
  const child = spawn('/usr/bin/env', args, {
    env: { ...process.env, TMPDIR: folder, ...env },
    timeout: 60_000 * TIMEOUT_FACTOR,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', chunk => (output += String(chunk)))
  let log = ''
  child.stderr.on('data', chunk => (log += String(chunk)))
  const [exitCode, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { output, log, end: signal ?? exitCode }
}

/** A program that prints the code of the failure with which a proxy does not start. */
function createProxyWith(flags: Readonly<Record<string, unknown>>): string {
  return `
    const { config } = readConfig(${JSON.stringify(flags)}, 'node-1', MODES)
    await createKubeProxy({ config }).then(() => console.log('created'), error => console.log(error.code))`
}

t.test('a program that has created a data plane can end by itself, with and without a drain', async t => {
  const create =
    'const dataPlane = await createDataPlane({ log: { info() {}, warn() {}, error() {}, enabled: () => false } })'
  for (const end of ['', 'await dataPlane.drain(0)']) {
    const { output, end: code } = await runLibraryProgram(`${create}\n${end}\nconsole.log('done')`)
    t.strictSame({ output, code }, { output: 'done\n', code: 0 }, end)
  }
})

for (const workers of ['0', '1', '2']) {
  t.test(
    `a proxy that cannot read its kubeconfig leaves nothing that keeps a program alive (${workers} workers)`,
    async t => {
      const flags = { 'proxy-mode': 'userspace', kubeconfig: '/nowhere/kubeconfig', 'data-plane-workers': workers }
      const { output, end } = await runLibraryProgram(createProxyWith(flags))
      t.strictSame({ output, end }, { output: 'KUBECONFIG_INVALID\n', end: 0 })
    },
  )
}

/** Programs of iptables that cannot save the table "filter". The start reads it after all other parts of the proxy are there. */
function spoilIptablesSave(): string {
  const programs = mkdtempSync(join(folder, 'programs-'))
  const directory = process.env['PATH']!.split(delimiter).find(path => existsSync(join(path, 'iptables-save')))!
  for (const name of readdirSync(directory).filter(name => /^ip6?tables(-nft|-legacy)?-save$/.test(name))) {
    const script = `#!/bin/sh
case "$*" in *filter*) echo "out of order" >&2; exit 1;; esac
${directory}/${name} "$@" | sed '/^[*]filter/,/^COMMIT/d'
`
    writeFileSync(join(programs, name), script)
    chmodSync(join(programs, name), 0o755)
  }
  return programs
}

for (const workers of ['0', '1']) {
  t.test(
    `a proxy that cannot read the rules ends its ports, its failover process and its workers (${workers} workers)`,
    { skip: namespacesUnavailable },
    async t => {
      const flags = {
        'proxy-mode': 'userspace',
        'on-exit': 'kernel',
        manifests: [folder],
        'data-plane-workers': workers,
        'healthz-bind-address': '127.0.0.1:10256',
        'metrics-bind-address': '127.0.0.1:10249',
      }
      const { output, log, end } = await runLibraryProgram(createProxyWith(flags), {
        env: { PATH: `${spoilIptablesSave()}${delimiter}${process.env['PATH']}` },
        through: ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'],
      })
      t.strictSame({ output, end }, { output: 'IPTABLES_RESTORE_FAILED\n', end: 0 }, log)
      t.equal(log.match(/"Starting"/g)?.length, 1, 'no worker runs the program again')
      t.match(log, 'Set conntrack', 'the failure came after the ports were opened')
      t.strictSame(
        readdirSync(folder).filter(name => name.startsWith('kube-proxy-')),
        [],
        'the failover process has left nothing',
      )
    },
  )
}
