import { type Contender } from '../contenders/contender.js'
import { readMachineFacts } from '../../../test/support/faults/machine-facts.js'
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
    machine: readMachineFacts(),
    versions: Object.fromEntries([...versions, ...programVersions]) as Record<string, string>,
  }
}
