import { type Test } from 'tap'

/** Ends a test at the first failure of a long loop. */
export function failAndEndTest(t: Test, message: string): void {
  t.fail(message)
  t.end()
}
