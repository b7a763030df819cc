/** The two IP families. Rules, bind addresses and endpoints are separate for each. */
export type IpFamily = 'IPv4' | 'IPv6'
/** Both of them. */
export const IP_FAMILIES: readonly IpFamily[] = ['IPv4', 'IPv6']

/** An IP address in the canonical form of `parseIp`, so that equal addresses are equal strings. */
export type IpAddress = string

/**
 * Reads an IP address and returns it in canonical form.
 *
 * As lenient as kube-proxy 1.36: octets of IPv4 may have leading zeros and are decimal, and an IPv4-mapped IPv6 address
 * (`::ffff:10.0.0.1`) is the IPv4 address inside it. Zone identifiers (`fe80::1%eth0`) are not allowed.
 * Returns undefined for anything that is not an IP address.
 */
export function parseIp(text: unknown): IpAddress | undefined {
  if (typeof text !== 'string') return undefined
  const bytes = ipBytes(text)
  return bytes === undefined ? undefined : printIp(bytes)
}

/** The family of an address that `parseIp` returned. */
export function familyOf(ip: IpAddress): IpFamily {
  return ip.includes(':') ? 'IPv6' : 'IPv4'
}

/** The unspecified address of a family, which means "every address of this machine" when bound to. */
export function unspecifiedAddress(family: IpFamily): IpAddress {
  return family === 'IPv4' ? '0.0.0.0' : '::'
}

/** `10.0.0.1:80` or `[fd00::1]:80`. */
export function hostPort(ip: IpAddress, port: number): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`
}

/** The 4 bytes of an IPv4 address (also of an IPv4-mapped IPv6 one), or 16 of IPv6; undefined for anything else. */
export function ipBytes(text: string): Uint8Array | undefined {
  if (!text.includes(':')) return ipv4Bytes(text)
  const bytes = ipv6Bytes(text)
  if (bytes === undefined) return undefined
  const mapped = bytes.slice(0, 10).every(byte => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff
  return mapped ? bytes.slice(12) : bytes
}

/** One pass that allocates no text: the list of a large cluster has a hundred thousand addresses. */
function ipv4Bytes(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(4)
  let index = 0
  let octet = 0
  let digits = 0
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (char === DOT && digits > 0 && index < 3) {
      bytes[index++] = octet
      octet = 0
      digits = 0
    } else if (char >= ZERO && char <= NINE) {
      octet = octet * 10 + char - ZERO
      if (octet > 255 || ++digits > MAX_DIGITS) return undefined
    } else return undefined
  }
  if (index !== 3 || digits === 0) return undefined
  bytes[3] = octet
  return bytes
}

const [DOT, ZERO, NINE] = ['.', '0', '9'].map(char => char.charCodeAt(0)) as [number, number, number]
/** Most digits of one octet, with leading zeros. */
const MAX_DIGITS = 10

function ipv6Bytes(text: string): Uint8Array | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const whole = halves.length === 1
  const head = ipv6Groups(halves[0] ?? '', whole)
  const tail = whole ? [] : ipv6Groups(halves[1] ?? '', true)
  if (head === undefined || tail === undefined) return undefined
  const missing = 8 - head.length - tail.length
  if (whole ? missing !== 0 : missing < 1) return undefined
  const groups = [...head, ...Array<number>(missing).fill(0), ...tail]
  return Uint8Array.from(groups.flatMap(group => [group >> 8, group & 0xff]))
}

/** The 16-bit groups of one side of `::`. At the end of the address, a dotted IPv4 address may replace the last two. */
function ipv6Groups(text: string, atEnd: boolean): number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    if (part.includes('.')) {
      const v4 = atEnd && index === parts.length - 1 ? ipv4Bytes(part) : undefined
      if (v4 === undefined) return undefined
      groups.push((v4[0]! << 8) | v4[1]!, (v4[2]! << 8) | v4[3]!)
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined
      groups.push(Number.parseInt(part, 16))
    }
  }
  return groups
}

/** The text of the bytes of `ipBytes`, as in RFC 5952: lower case, no leading zeros, the longest run of zero groups (two or more) as `::`. */
export function printIp(bytes: Uint8Array): IpAddress {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16))
  let best = { start: -1, length: 1 }
  for (let start = 0; start < 8; start++) {
    let length = 0
    while (groups[start + length] === '0') length++
    if (length > best.length) best = { start, length }
  }
  if (best.start < 0) return groups.join(':')
  const end = best.start + best.length
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(end).join(':')}`
}
