import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cannotUseVm, isInVm, startInVm } from '../support/virtual-machine.js'
import { compare } from './compare.js'
import { ipvsMissing } from './contenders/ipvs-missing.js'
import { IPVS } from './suites/ipvs.js'

const BENCH = fileURLToPath(new URL('bench.js', import.meta.url))
const TIMEOUT_S = 1800
const { results, page, picture } = IPVS.page
const FILES = [results, page, picture]

/** Compares ipvs modes where there is IPVS: here, or else in a virtual machine, from which the report is brought. @returns the exit code */
export async function compareIpvs(args: readonly string[]): Promise<number> {
  const needsNone = args.includes('report') || args.includes('--help')
  const missing = needsNone || isInVm ? undefined : ipvsMissing()
  if (missing === undefined) return compare(IPVS, args)
  if (cannotUseVm !== false) {
    process.stderr.write(`Here ${missing}, and a virtual machine ${cannotUseVm}.\n`)
    return 1
  }
  process.stdout.write('In a virtual machine whose kernel has IPVS; each table takes a minute or two.\n')
  const out = mkdtempSync(join(tmpdir(), 'bench-ipvs-'))
  try {
    return await compareInVm(args, out)
  } finally {
    rmSync(out, { recursive: true })
  }
}

async function compareInVm(args: readonly string[], out: string): Promise<number> {
  const words = [process.execPath, BENCH, 'ipvs', ...args].map(word => `'${word.replaceAll("'", String.raw`'\''`)}'`)
  // What is not a whole run writes no report: then there is none to bring.
  const command = `rm -f ${FILES.join(' ')}; ${words.join(' ')} && (cp --parents ${FILES.join(' ')} /vm-out 2>/dev/null || true)`
  const child = startInVm(command, {
    timeout: TIMEOUT_S,
    variables: ['KUBE_PROXY_PEER'],
    out,
  })
  child.stdout!.pipe(process.stdout)
  child.stderr!.pipe(process.stderr)
  const [code] = (await once(child, 'close')) as [number | null]
  if (code === 0) for (const file of FILES) if (existsSync(join(out, file))) cpSync(join(out, file), file)
  return code ?? 1
}
