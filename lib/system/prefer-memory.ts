import { setFlagsFromString } from 'node:v8'

const OPTION = '--optimize-for-size'

/**
 * The JavaScript engine of this process looks for garbage sooner, which costs CPU time, until the returned function is called. For work that
 * makes much garbage and is not urgent: by default, the engine lets it gather, since it takes the objects of an answer for ones that stay.
 *
 * The engine reads this option at each collection, so it may change while the program runs. A program that was started with the option keeps it.
 */
export function preferMemory(): () => void {
  if (process.execArgv.includes(OPTION)) return () => undefined
  setFlagsFromString(OPTION)
  return () => setFlagsFromString(OPTION.replace('--', '--no-'))
}
