import { diagnose } from '../../doctor/diagnose.js'
import { type DoctorReport } from '../../doctor/doctor-report.js'
import { type DoctorQuestion, gatherFacts } from '../../doctor/gather-facts.js'
import { printOutput, throwOutputFailure } from '../../terminal/print-output.js'
import { terminalStyle } from '../../terminal/terminal-style.js'
import { reportLines } from './report-lines.js'

/** What the command line asks for. */
export interface RunDoctorOptions extends DoctorQuestion {
  readonly output: 'text' | 'wide' | 'json'
}

/** What the exit code says. */
export const DOCTOR_EXIT_CODES: Readonly<Record<DoctorReport['verdict'], number>> = {
  healthy: 0,
  findings: 1,
  unknown: 2,
}

/** Looks at a Service and prints what is wrong. @returns the exit code @throws ProxyFailure */
export async function runDoctor(options: RunDoctorOptions): Promise<number> {
  const report = diagnose(await gatherFacts(options), options.version)
  const text =
    options.output === 'json'
      ? JSON.stringify(report, undefined, 2)
      : reportLines(report, options.output === 'wide', terminalStyle(process.stdout)).join('\n')
  // Errors come from each write as well.
  process.stdout.on('error', () => undefined)
  await printOutput(text).catch(throwOutputFailure)
  return DOCTOR_EXIT_CODES[report.verdict]
}
