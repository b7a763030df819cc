import { type NextEndpoint } from './live-sockets.js'

/**
 * Whose turn it is. Any process may accept the next client.
 * @param next in the processes that have replied
 * @param missing the numbers of the workers that have not
 */
export function nextText(next: readonly NextEndpoint[], missing: readonly number[]): string {
  const [first] = next
  if (first === undefined) return ''
  if (missing.length === 0 && next.every(({ address }) => address === first.address))
    return `. Next is ${first.address}`
  const known = next.map(({ worker, address }) => `${address} in worker ${worker}`)
  const unknown = missing.map(worker => `not known in worker ${worker}`)
  return `. Next is ${[...known, ...unknown].join(', ')}: any of them may accept the client`
}
