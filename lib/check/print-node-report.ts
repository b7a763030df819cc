import { type Terminal } from '../terminal/terminal.js'
import { type MissingRequirement, type NodeReport } from './node-report.js'

/** Prints a report for people: what works first, then what is missing and how to get it. */
export function printNodeReport(report: NodeReport, terminal: Terminal): void {
  const { version, kernel, programs, modes, limits, chosenMode } = report
  terminal.printText(`kube-proxy-node ${version} on Linux ${kernel.release}`)
  terminal.printTable([
    ['PROGRAM', 'VERSION', 'NEEDED FOR'],
    ...programs.map(({ program, version, package: name, neededFor }) => [
      program,
      version ?? 'missing',
      version === null ? `${neededFor}; install the package "${name}"` : neededFor,
    ]),
  ])
  terminal.printTable([
    ['LIMIT', 'VALUE', 'MEANING'],
    ...limits.map(({ limit, value, meaning, advice }) => [
      limit,
      value === null ? 'unknown' : value.toLocaleString('en'),
      advice === null ? meaning : `${meaning}. ${advice}`,
    ]),
  ])
  for (const { mode, works, missing } of modes) {
    terminal.printCheck(works, works ? `mode ${mode} works` : `mode ${mode} does not work`)
    for (const each of missing) printMissing(each, terminal)
  }
  terminal.printText(
    chosenMode === null
      ? 'With these flags, the proxy would not start on this node.'
      : `With these flags, the proxy would run in mode ${chosenMode}.`,
  )
}

function printMissing({ what, family, kernelOptions, reason, advice }: MissingRequirement, terminal: Terminal): void {
  const options = kernelOptions.map(({ option, state }) => `${option}: ${state}`).join(', ')
  terminal.printTable([
    ['missing', family === null ? what : `${what} (${family})`],
    ...(options === '' ? [] : [['kernel', options]]),
    ['reason', reason],
    ['advice', advice],
  ])
}
