import { type IpAddress, type IpFamily, familyOf, ipBytes, printIp } from './address.js'

/** An address range such as `10.244.0.0/16`. */
export interface Cidr {
  readonly family: IpFamily
  /** The first address of the range. */
  readonly network: IpAddress
  /** Prefix length. */
  readonly bits: number
}

/** The loopback addresses of each family. */
export const LOOPBACK: Readonly<Record<IpFamily, Cidr>> = {
  IPv4: { family: 'IPv4', network: '127.0.0.0', bits: 8 },
  IPv6: { family: 'IPv6', network: '::1', bits: 128 },
}

/**
 * Reads `address/bits`; undefined when it is not a CIDR. Host bits are cleared, as in Go's net.ParseCIDR.
 * An IPv4-mapped IPv6 address is not allowed, since its bits could count from either length.
 */
export function parseCidr(text: string): Cidr | undefined {
  const [address, prefix, ...rest] = text.split('/')
  if (address === undefined || prefix === undefined || rest.length > 0 || !/^\d{1,3}$/.test(prefix)) return undefined
  const bytes = ipBytes(address)
  const bits = Number(prefix)
  if (bytes === undefined || bits > bytes.length * 8 || (bytes.length === 4 && address.includes(':'))) return undefined
  for (let index = 0; index < bytes.length; index++) bytes[index]! &= byteMask(bits, index)
  return { family: bytes.length === 4 ? 'IPv4' : 'IPv6', network: printIp(bytes), bits }
}

/** Whether the address is in the range; never across families. */
export function cidrContains(cidr: Cidr, ip: IpAddress): boolean {
  if (familyOf(ip) !== cidr.family) return false
  const network = ipBytes(cidr.network)
  const bytes = ipBytes(ip)
  return network !== undefined && bytes !== undefined && isInNetwork(bytes, network, cidr.bits)
}

/** The same for the bytes of `ipBytes`: faster for one address and many ranges. */
export function isInNetwork(bytes: Uint8Array, network: Uint8Array, bits: number): boolean {
  if (bytes.length !== network.length) return false
  for (let index = 0; 8 * index < bits; index++)
    if ((bytes[index]! & byteMask(bits, index)) !== network[index]) return false
  return true
}

/** The mask of the byte at `index` for a prefix of `bits` bits. */
function byteMask(bits: number, index: number): number {
  const here = Math.min(8, Math.max(0, bits - 8 * index))
  return (0xff << (8 - here)) & 0xff
}
