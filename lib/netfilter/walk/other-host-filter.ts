import { type IpAddress, familyOf } from '../../model/address.js'

/**
 * Recognises rules that begin with the address of one other host: most rules of a chain with thousands do. To read them takes a hundred times
 * as long.
 * @param destination of the packet
 * @returns whether a rule cannot apply to it; false also means that this is not known
 */
export function otherHostFilter(destination: IpAddress): (args: readonly string[]) => boolean {
  const bits = familyOf(destination) === 'IPv4' ? '/32' : '/128'
  const own = destination + bits
  return args => args[0] === '-d' && args[1] !== own && args[1]?.endsWith(bits) === true
}
