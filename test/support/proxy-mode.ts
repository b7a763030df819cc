import { type ProxyMode, isProxyMode } from '../../lib/model/proxy-mode.js'

const given = process.env['PROXY_MODE'] ?? 'userspace'
if (!isProxyMode(given)) throw new Error(`PROXY_MODE is "${given}"`)

/** The mode of proxies under test; `test/integration/in-iptables-mode.test.ts` and its neighbours run the tests again in another. */
export const PROXY_MODE: ProxyMode = given

/** Why a test says nothing in this mode, or false. */
export function onlyIn(modes: readonly ProxyMode[], because: string): string | false {
  return !modes.includes(PROXY_MODE) && because
}
