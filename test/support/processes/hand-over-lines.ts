import { type ProxyProcess } from './proxy-process.js'

/** Log lines of a hand-over. The first and the third are of the earlier proxy. */
export const GIVING_WAY = /"Another kube-proxy takes over: giving way"/
export const HAS_GIVEN_WAY = /"The kube-proxy that served this node has given way/
export const STANDING_BY = /"Standing by: open connections continue here/
export const SERVING_AGAIN = /"The kube-proxy that took over has ended: serving again"/
export const FOREIGN_CHANGE = /Another program had changed the rules/

/** How many lines of a proxy match. */
export function countLines({ lines }: Pick<ProxyProcess, 'lines'>, pattern: RegExp): number {
  return lines.filter(line => pattern.test(line)).length
}
