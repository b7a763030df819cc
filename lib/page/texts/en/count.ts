import { numberFormat } from '../number-format.js'

const number = numberFormat('en')

/** A number of things, such as `1 row` or `1,002 rows`. */
export function count(value: number, one: string, several = `${one}s`): string {
  return `${number(value)} ${value === 1 ? one : several}`
}
