import { MODES, modeByName } from '../../../lib/modes/registry.js'

const requestedMode = process.env['PROXY_MODE'] ?? MODES[0]!.name
if (!MODES.some(({ name }) => name === requestedMode)) throw new Error(`PROXY_MODE is "${requestedMode}"`)

/** The mode of the proxies under test. `external-traffic-in-iptables-mode.test.ts` and similar files run tests in another mode. */
export const PROXY_MODE: string = requestedMode

/** Whether sockets of the proxies under test carry the traffic; otherwise the kernel does, and there are no workers. */
export const CARRIED_BY_SOCKETS = modeByName(PROXY_MODE).carriedBy === 'sockets'

/** The reason why a test does not run in this mode, or false. */
export function skipUnlessMode(modes: readonly string[], reason: string): string | false {
  return !modes.includes(PROXY_MODE) && reason
}
