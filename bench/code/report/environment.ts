import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { type Contender } from '../contenders/contender.js'
import { type Suite } from '../suites/suite.js'
import { programVersion } from '../measure/program-version.js'
import { type BenchEnvironment } from './results.js'

/**
 * This machine, its other load, and the versions of all programs. Call it before the benchmark puts load on the machine.
 */
export function readEnvironment(contenders: readonly Contender[], programs: Suite['programs']): BenchEnvironment {
  const versions = contenders.flatMap(contender => {
    const version = contender.version()
    return version === undefined ? [] : [[contender.title, version]]
  })
  const programVersions = programs.map(([program, flag]) => [program, programVersion(program, [flag]) ?? 'not there'])
  return {
    at: new Date().toISOString(),
    machine: {
      CPU: `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
      memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
      kernel: `Linux ${release()}`,
      system: readOsName(),
      'other work at the start (load average)': loadavg()[0]!.toFixed(2),
    },
    versions: Object.fromEntries([...versions, ...programVersions]) as Record<string, string>,
  }
}

function readOsName(): string {
  const text = readFileSync('/etc/os-release', 'utf8')
  return /^PRETTY_NAME="?([^"\n]*)/m.exec(text)?.[1] ?? 'unknown'
}
