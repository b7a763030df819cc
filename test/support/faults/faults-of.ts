import t, { type Test } from 'tap'
import { FaultMeasurement } from './fault-measurement.js'
import { type FaultRow, writeFaultRecord } from './fault-record.js'

/** A row of the table, and when its test cannot run. */
interface FaultTestOptions extends Omit<FaultRow, 'area'> {
  /** The reason why this machine cannot produce the fault, or false. */
  readonly skip: string | false
}

/**
 * A function that declares the tests of an area; each is a row of the table in docs/reliability.md. `fault` and `promise` have to be
 * string literals or constants of the same file: another test reads them from the source.
 */
export function faultsOf(
  area: string,
): (options: FaultTestOptions, run: (t: Test, fault: FaultMeasurement) => Promise<void>) => void {
  return ({ fault, promise, skip }, run) => {
    t.test(`${area}: ${fault}`, { skip: skip === false ? false : skip }, async t => {
      const measurement = new FaultMeasurement(t)
      await run(t, measurement)
      const { lost, recovery } = measurement
      if (lost === undefined) t.fail('a fault has to check what was lost')
      else if (t.passing()) {
        writeFaultRecord({ area, fault, promise, lost, recovery })
        t.comment(`lost: ${lost}; time to recover: ${recovery}`)
      }
    })
  }
}
