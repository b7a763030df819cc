import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { type Contender } from '../contenders/contender.js'
import { programVersion } from '../measure/program-version.js'
import { type Circumstances } from './results.js'

/** Programs that make load, with the flag that has them say their version. */
export const LOAD_GENERATORS: readonly (readonly [program: string, flag: string])[] = [
  ['wrk', '-v'],
  ['iperf3', '--version'],
  ['sockperf', '--version'],
]

/**
 * What this machine is, what else it does, and the versions of everything that takes part. Ask before there is a load of our own.
 */
export function circumstancesNow(contenders: readonly Contender[], generators: typeof LOAD_GENERATORS): Circumstances {
  const versions = contenders.flatMap(contender => {
    const version = contender.version()
    return version === undefined ? [] : [[contender.title, version]]
  })
  const generatorVersions = generators.map(([program, flag]) => [
    program,
    programVersion(program, [flag]) ?? 'not there',
  ])
  return {
    at: new Date().toISOString(),
    machine: {
      CPU: `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
      memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
      kernel: `Linux ${release()}`,
      system: systemName(),
      'other work at the start (load average)': loadavg()[0]!.toFixed(2),
    },
    versions: Object.fromEntries([...versions, ...generatorVersions]) as Record<string, string>,
  }
}

function systemName(): string {
  const text = readFileSync('/etc/os-release', 'utf8')
  return /^PRETTY_NAME="?([^"\n]*)/m.exec(text)?.[1] ?? 'unknown'
}
