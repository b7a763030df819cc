import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { ipvsProgram } from '../../lib/system/ipvs.js'

/** Runs a command in a virtual machine whose kernel has IPVS, with the files of this one. */
const VM = join(process.cwd(), '..', 'shared', 'vm', 'vm-run.sh')
const TIMEOUT_MS = 900_000
/** What needs IPVS in the kernel, each with a test that must have run there. */
const TESTS = [
  { file: '../demo/demo-in-ipvs-mode.test.js', env: '', ran: /^ok \d+ - the demo tells the same story in ipvs mode/m },
  { file: 'ipvs.test.js', env: '', ran: /^ {4}ok \d+ - a cluster IP, from everywhere/m },
  {
    file: 'outside.test.js',
    env: 'PROXY_MODE=ipvs',
    ran: /^ {4}ok \d+ - every address is served for every kind of client, TCP and UDP/m,
  },
  {
    file: 'mode-switch.test.js',
    env: '',
    ran: /^ {4}ok \d+ - from ipvs to userspace: no request is lost, and an open connection goes on/m,
  },
]

/** @returns the exit code, null when it was killed, and what was printed */
function inVm(command: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, VM_TIMEOUT: String(TIMEOUT_MS / 1000 - 20) }
    const child = spawn('nice', [VM, command], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', chunk => (stdout += String(chunk)))
    child.stderr.on('data', chunk => (stderr += String(chunk)))
    child.on('error', reject)
    child.on('close', code => resolve({ code, stdout, stderr }))
  })
}

async function whyNot(): Promise<string | false> {
  if (process.getuid?.() !== 0) return 'needs root'
  const here = await ipvsProgram.list().then(
    () => true,
    () => false,
  )
  if (here) return 'this kernel has IPVS: ipvs.test.ts runs without a virtual machine'
  if (!existsSync(VM)) return 'needs ../shared/vm/vm-run.sh'
  const { code, stderr } = await inVm('true')
  return code === 0 ? false : `the virtual machine does not start: ${stderr.trim().split('\n').at(-1)}`
}

void t.test('ipvs mode in a virtual machine', { skip: await whyNot(), timeout: TIMEOUT_MS }, async t => {
  const runs = TESTS.map(({ file, env }) => {
    const path = fileURLToPath(new URL(file, import.meta.url))
    return `${env} TAP_TIMEOUT=${TIMEOUT_MS / 1000} '${process.execPath}' '${path}' || failed="$failed ${file}"`
  })
  const { code, stdout, stderr } = await inVm(
    [...runs, '[ -z "$failed" ] || { echo "failed:$failed"; exit 1; }'].join('\n'),
  )
  t.equal(code, 0, 'all tests pass there')
  for (const { file, ran } of TESTS) t.match(stdout, ran, `${file} has run`)
  for (const line of stdout.split('\n')) if (/^ *not ok|^failed:/.test(line)) t.comment(line.trim())
  if (code !== 0) t.comment(`${stdout.slice(-8000)}${stderr.slice(-4000)}`)
})
