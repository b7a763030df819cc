import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleForVm } from '../../../test/support/nodes/bundle-for-vm.js'
import { FOLDER_IN_VM, startInVm } from '../../../test/support/nodes/virtual-machine.js'
import { CleanupStack } from '../cleanup-stack.js'
import { type ReliabilityResults } from './reliability-results.js'

const PROGRAM = fileURLToPath(new URL('reliability.js', import.meta.url))
const RESULTS = 'results.json'
const TIMEOUT_S = 1800

/**
 * Runs cases of setups in a virtual machine whose kernel has IPVS. Their figures are printed meanwhile.
 * @param cases their names; empty: all
 * @throws Error if the machine or the program there has failed
 */
export async function runReliabilityInVm(
  cases: readonly string[],
  setups: readonly string[],
): Promise<ReliabilityResults> {
  let results: ReliabilityResults | undefined
  await CleanupStack.run(async t => {
    const folder = mkdtempSync(join(tmpdir(), 'reliability-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    const options = [...cases.map(name => `--case ${name}`), ...setups.map(name => `--setup ${name}`)]
    const program = `${process.execPath} ${PROGRAM} ${options.join(' ')} --results ${join(FOLDER_IN_VM, RESULTS)}`
    const child = startInVm(`{ ${await bundleForVm(t, [])}; } && ${program}`, {
      timeoutSeconds: TIMEOUT_S,
      outputFolder: folder,
    })
    child.stdout!.pipe(process.stdout)
    child.stderr!.pipe(process.stderr)
    const [code] = (await once(child, 'close')) as [number | null]
    if (code !== 0) throw new Error(`The virtual machine ended with exit code ${code}`)
    results = JSON.parse(readFileSync(join(folder, RESULTS), 'utf8')) as ReliabilityResults
  })
  return results!
}
