import { fileURLToPath } from 'node:url'
import t from 'tap'
import { RECORD_FOLDER } from '../faults/fault-record.js'
import { ipvsUnavailable } from './ipvs-unavailable.js'
import { bundleForVm } from './bundle-for-vm.js'
import { namespacesUnavailable } from './node-network.js'
import { FOLDER_IN_VM, vmUnavailable, startInVm } from './virtual-machine.js'

const TIMEOUT_S = 900
/** Of it, for the preparation of the first machine: its kernel is downloaded. */
const PREPARATION_S = 60
/** The first line of output, if the machine has started. */
const STARTED = 'started'

export interface VmTest {
  /** Path of the compiled test in the folder of tests. */
  readonly file: string
  /** Matches the output if the tests that matter have run and were not skipped. */
  readonly ranPattern: RegExp
}

/**
 * Runs tests that need IPVS in a virtual machine, if this kernel has no IPVS and a virtual machine is available. All files run in one
 * machine, one after the other, since its start takes long.
 */
export async function testInVm(...tests: readonly VmTest[]): Promise<void> {
  const names = tests.map(({ file }) => file).join(', ')
  await t.test(`${names} in a virtual machine`, { skip: skipReason(), timeout: TIMEOUT_S * 1000 }, async t => {
    const useBundles = await bundleForVm(
      t,
      tests.map(({ file }) => file),
    )
    const records = process.env[RECORD_FOLDER]
    const { code, stdout, stderr } = await runInVm(commandFor(tests, useBundles, records), records)
    if (!stdout.startsWith(STARTED)) {
      t.pass('', { skip: `the virtual machine does not start: ${stderr.trim().split('\n').at(-1)}` })
      return
    }
    t.equal(code, 0, 'all of it passes there')
    for (const { file, ranPattern } of tests) t.match(stdout, ranPattern, `and ${file} has run`)
    const lines = stdout.split('\n')
    for (const [index, line] of lines.entries())
      if (/^ *not ok/.test(line))
        t.fail(`in the virtual machine: ${line.trim()}`, { output: lines.slice(index + 1, index + 25) })
    if (code !== 0) t.comment(`${stdout.slice(-2000)}${stderr.slice(-2000)}`)
  })
}

/**
 * A shell command that runs every file after `prepare`, and fails if one of them has failed.
 * @param records the folder for records of faults; undefined: none are written
 */
function commandFor(tests: readonly VmTest[], prepare: string, records: string | undefined): string {
  const paths = tests.map(({ file }) => fileURLToPath(new URL(`../../${file}`, import.meta.url)))
  const runs = paths.map(path => `TAP_TIMEOUT=${TIMEOUT_S} '${process.execPath}' '${path}' || failed=1`)
  const record = records === undefined ? [] : [`export ${RECORD_FOLDER}=${FOLDER_IN_VM}`]
  return [`echo ${STARTED}`, `{ ${prepare}; } || exit 1`, ...record, 'failed=0', ...runs, 'exit $failed'].join('\n')
}

/** @returns the exit code (null if it was killed) and the output */
function runInVm(
  command: string,
  outputFolder: string | undefined,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const output = outputFolder === undefined ? {} : { outputFolder }
  return new Promise((resolve, reject) => {
    const child = startInVm(command, { timeoutSeconds: TIMEOUT_S - PREPARATION_S, ...output })
    let [stdout, stderr] = ['', '']
    child.stdout!.on('data', chunk => (stdout += String(chunk)))
    child.stderr!.on('data', chunk => (stderr += String(chunk)))
    child.on('error', reject)
    child.on('close', code => resolve({ code, stdout, stderr }))
  })
}

function skipReason(): string | false {
  if (namespacesUnavailable !== false) return namespacesUnavailable
  if (ipvsUnavailable === false) return 'this kernel has IPVS: it runs without a virtual machine'
  return vmUnavailable
}
