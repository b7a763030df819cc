import { type ProxyMode, isProxyMode } from '../../../lib/model/proxy-mode.js'

const requestedMode = process.env['PROXY_MODE'] ?? 'userspace'
if (!isProxyMode(requestedMode)) throw new Error(`PROXY_MODE is "${requestedMode}"`)

/** The mode of proxies under test; `test/integration/in-iptables-mode.test.ts` and its neighbours run the tests again in another. */
export const PROXY_MODE: ProxyMode = requestedMode

/** Why a test says nothing in this mode, or false. */
export function skipUnlessMode(modes: readonly ProxyMode[], because: string): string | false {
  return !modes.includes(PROXY_MODE) && because
}
