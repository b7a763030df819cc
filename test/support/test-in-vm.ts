import { fileURLToPath } from 'node:url'
import t from 'tap'
import { cannotUseIpvs } from './cannot-use-ipvs.js'
import { cannotUseNamespaces } from './node-network.js'
import { cannotUseVm, startInVm } from './virtual-machine.js'

const TIMEOUT_S = 900

export interface TestInVm {
  /** Of the compiled test, from the folder of tests. */
  readonly file: string
  /** What its output says when the tests that matter have run, and not been skipped. */
  readonly ran: RegExp
}

/** Runs a test that needs IPVS in a virtual machine of its own, where there is one and this kernel has none. */
export async function testInVm({ file, ran }: TestInVm): Promise<void> {
  await t.test(`${file} in a virtual machine`, { skip: await whyNot(), timeout: TIMEOUT_S * 1000 }, async t => {
    const path = fileURLToPath(new URL(`../${file}`, import.meta.url))
    const { code, stdout, stderr } = await inVm(`TAP_TIMEOUT=${TIMEOUT_S} '${process.execPath}' '${path}'`)
    t.equal(code, 0, 'all of it passes there')
    t.match(stdout, ran, 'and has run')
    const lines = stdout.split('\n')
    for (const [index, line] of lines.entries())
      if (/^ *not ok/.test(line)) t.fail(`there: ${line.trim()}`, { output: lines.slice(index + 1, index + 25) })
    if (code !== 0) t.comment(`${stdout.slice(-2000)}${stderr.slice(-2000)}`)
  })
}

/** @returns the exit code, null when it was killed, and what was printed */
function inVm(command: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = startInVm(command, { timeout: TIMEOUT_S - 20 })
    let [stdout, stderr] = ['', '']
    child.stdout!.on('data', chunk => (stdout += String(chunk)))
    child.stderr!.on('data', chunk => (stderr += String(chunk)))
    child.on('error', reject)
    child.on('close', code => resolve({ code, stdout, stderr }))
  })
}

async function whyNot(): Promise<string | false> {
  if (cannotUseNamespaces !== false) return cannotUseNamespaces
  if (cannotUseIpvs === false) return 'this kernel has IPVS: it runs without a virtual machine'
  if (cannotUseVm !== false) return cannotUseVm
  const { code, stderr } = await inVm('true')
  return code === 0 ? false : `the virtual machine does not start: ${stderr.trim().split('\n').at(-1)}`
}
