import { type IpAddress, parseIp } from '../model/address.js'
import { ProxyFailure } from '../model/failure.js'
import { quoteValue } from '../primitives/quote-value.js'
import { specialAddress } from '../model/special-address.js'

/**
 * Reads the output of `ip -j address show dev NAME`: the addresses that can be those of Services. Addresses of other kinds, such as the
 * link-local one that the kernel adds, and entries without an address are left out.
 * @throws ProxyFailure `INTERFACE_FAILED` if the output is not a list in JSON: without it, addresses would seem to be missing
 */
export function parseInterfaceAddresses(text: string): Set<IpAddress> {
  const list = parseList(text)
  if (list === undefined)
    throw new ProxyFailure(
      'INTERFACE_FAILED',
      `"ip -j address" returned ${quoteValue(text)}, expected a list in JSON`,
      {
        hint: 'Check the version of iproute2; the proxy retries automatically',
      },
    )
  const entries = (list as readonly (InterfaceJson | null)[]).flatMap(link => {
    const addresses = link?.addr_info
    return Array.isArray(addresses) ? (addresses as readonly (AddressJson | null)[]) : []
  })
  const addresses = entries.map(entry => parseIp(entry?.local)).filter(ip => ip !== undefined)
  return new Set(addresses.filter(ip => specialAddress(ip) === undefined))
}

interface InterfaceJson {
  readonly addr_info?: unknown
}
interface AddressJson {
  readonly local?: unknown
}

function parseList(text: string): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}
