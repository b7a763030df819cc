import { type IncomingHttpHeaders } from 'node:http'
import { parseIp } from '../../model/address.js'
import { specialAddress } from '../../model/special-address.js'

/** By which names a browser may know the page. */
export interface PageNames {
  /** Whether any IP address is one, and not only those of loopback. */
  readonly allowsRemote: boolean
  /** The name of the node: it is one if other hosts may ask. */
  readonly nodeName: string
}

const HOST = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/

/**
 * Why a request is refused whatever it asks for; undefined: it is not. A page of another site can let a browser send requests here. Its name
 * can even resolve to an address of this machine (DNS rebinding): only addresses and names that no other site can have are served.
 */
export function foreignRequest(headers: IncomingHttpHeaders, names: PageNames): string | undefined {
  const host = headers.host?.toLowerCase() ?? ''
  if (!isOwnHost(host, names))
    return 'The Host of the request is not this page: open it by an IP address of the node, or as localhost'
  const { origin } = headers
  if (origin !== undefined && !['http', 'https'].some(scheme => `${scheme}://${host}` === origin.toLowerCase()))
    return 'A page of another origin sent the request'
  const site = headers['sec-fetch-site']
  // A link on another site may open this page, which that site cannot read then.
  const isLink = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'
  if ((site === 'cross-site' || site === 'same-site') && !isLink) return 'A page of another site sent the request'
  return undefined
}

/** @param host lower-case text of the header */
function isOwnHost(host: string, { allowsRemote, nodeName }: PageNames): boolean {
  const [, ip6, name = ''] = HOST.exec(host) ?? []
  const ip = parseIp(ip6 ?? name)
  if (ip !== undefined) return allowsRemote || specialAddress(ip) === 'loopback'
  return ip6 === undefined && (name === 'localhost' || (allowsRemote && name !== '' && name === nodeName))
}
