import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FOLDER_IN_VM, vmUnavailable, isInVm, startInVm } from '../../test/support/nodes/virtual-machine.js'
import { compare, readComparison } from './compare.js'
import { ipvsUnavailable } from './contenders/ipvs-unavailable.js'
import { IPVS_SUITE } from './suites/ipvs.js'

const BENCH_PROGRAM = fileURLToPath(new URL('bench.js', import.meta.url))
const TIMEOUT_S = 1800
const { results, path, picture } = IPVS_SUITE.page
const REPORT_FILES = [results, path, picture]

/** Compares ipvs modes: here if this kernel has IPVS, otherwise in a virtual machine, and copies the report from there. @returns the exit code */
export async function compareIpvs(args: readonly string[]): Promise<number> {
  // A virtual machine takes long to start: what is wrong with the arguments is said here.
  readComparison(IPVS_SUITE, args)
  const missing = args.includes('report') || isInVm ? undefined : ipvsUnavailable()
  if (missing === undefined) return compare(IPVS_SUITE, args)
  if (vmUnavailable !== false) {
    process.stderr.write(`Here ${missing}, and a virtual machine ${vmUnavailable}.\n`)
    return 1
  }
  process.stdout.write('Running in a virtual machine whose kernel has IPVS; each table takes a minute or two.\n')
  const out = mkdtempSync(join(tmpdir(), 'bench-ipvs-'))
  try {
    return await compareInVm(args, out)
  } finally {
    rmSync(out, { recursive: true })
  }
}

async function compareInVm(args: readonly string[], out: string): Promise<number> {
  const words = [process.execPath, BENCH_PROGRAM, 'ipvs', ...args].map(
    word => `'${word.replaceAll("'", String.raw`'\''`)}'`,
  )
  // A partial run writes no report, so there may be none to copy.
  const command = `rm -f ${REPORT_FILES.join(' ')}; ${words.join(' ')} && (cp --parents ${REPORT_FILES.join(' ')} ${FOLDER_IN_VM} 2>/dev/null || true)`
  const child = startInVm(command, {
    timeoutSeconds: TIMEOUT_S,
    passedVariables: ['KUBE_PROXY_PEER'],
    outputFolder: out,
  })
  child.stdout!.pipe(process.stdout)
  child.stderr!.pipe(process.stderr)
  const [code] = (await once(child, 'close')) as [number | null]
  if (code === 0) for (const file of REPORT_FILES) if (existsSync(join(out, file))) cpSync(join(out, file), file)
  return code ?? 1
}
