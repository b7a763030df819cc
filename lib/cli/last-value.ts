import { type FlagValues } from '../config/flag-settings.js'

/** The value of a flag that was given last; yargs makes a list of repeated ones. */
export function lastValue(value: FlagValues[string]): string | boolean | undefined {
  return typeof value === 'object' ? value.at(-1) : value
}
