import { ipBytes } from '../../model/address.js'
import { type Cidr } from '../../model/cidr.js'

/** What iptables takes as the name of a chain: XT_EXTENSION_MAXNAMELEN is 29 with the 0 at its end. */
export const MAX_CHAIN_NAME_LENGTH = 28
/** So that every IPv4 prefix fits behind it as it is written. */
const MAX_CHAIN_PREFIX_LENGTH = MAX_CHAIN_NAME_LENGTH - '255.255.255.240/28'.length
const HASH_LENGTH = 7

/**
 * Chain names for address prefixes, such that whoever reads `iptables -L` can follow:
 *
 *     10.96.16.0/20               KUBE-PODS-10.96.16.0/20
 *     10.96.0.1/32                KUBE-PODS-10.96.0.1
 *     fd00:10:96::1f0/124         KUBE-PODS-fd00-10-96--1f0/124     would be 29 characters, and is
 *                                 KUBE-PODS-x0k3f9a2-1f0/124        x and a hash for all but the last group
 *
 * Only letters, digits and `-./`: nft, which shows the same chains, takes no others in a name. Written names never begin
 * with x, so they cannot be taken for hashed ones. Should two hashed names ever meet, the one that is
 * asked for later is hashed again: then, and only then, a name depends on more than its prefix.
 */
export class PrefixNames {
  readonly #chainPrefix: string
  readonly #hash: typeof hashOf
  readonly #owners = new Map<string, string>()

  /** @param beginning such as `KUBE-PODS-`; at most 10 characters */
  constructor(beginning: string, hash = hashOf) {
    if (beginning.length > MAX_CHAIN_PREFIX_LENGTH) {
      throw new RangeError(`"${beginning}" has ${beginning.length} characters, above ${MAX_CHAIN_PREFIX_LENGTH}`)
    }
    this.#chainPrefix = beginning
    this.#hash = hash
  }

  getName(prefix: Cidr): string {
    const written = this.#chainPrefix + formatPrefix(prefix)
    if (written.length <= MAX_CHAIN_NAME_LENGTH) return written
    for (let salt = 0; ; salt++) {
      const name = this.#hashedName(prefix, salt)
      const owner = this.#owners.get(name) ?? written
      this.#owners.set(name, owner)
      if (owner === written) return name
    }
  }

  /** Forgets who had a name that no chain bears any more: others may have it then. */
  retain(chains: ReadonlyMap<string, unknown>): void {
    for (const name of this.#owners.keys()) if (!chains.has(name)) this.#owners.delete(name)
  }

  /** All that lie in one subnet have the hash in common, and end in what tells them apart. */
  #hashedName(prefix: Cidr, salt: number): string {
    const groups = groupsOf(prefix)
    const last = Math.max(0, Math.ceil(prefix.bits / 16) - 1)
    const hash = this.#hash(groups.slice(0, last).join(':'), salt)
    return `${this.#chainPrefix}x${hash}-${groups[last]}${formatLength(prefix)}`
  }
}

function formatPrefix(prefix: Cidr): string {
  return prefix.network.replaceAll(':', '-') + formatLength(prefix)
}

/** Not written where it is that of an address. */
function formatLength({ family, bits }: Cidr): string {
  return bits === (family === 'IPv4' ? 32 : 128) ? '' : `/${bits}`
}

function groupsOf({ network }: Cidr): string[] {
  const bytes = ipBytes(network)!
  return Array.from({ length: bytes.length / 2 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16))
}

/** cyrb53, a non-cryptographic hash in the public domain, as 7 digits of base 36. */
function hashOf(text: string, salt: number): string {
  let [high, low] = [0xdeadbeef ^ salt, 0x41c6ce57 ^ salt]
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    high = Math.imul(high ^ code, 2_654_435_761)
    low = Math.imul(low ^ code, 1_597_334_677)
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909)
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909)
  const number = 2 ** 32 * (low & 0x1fffff) + (high >>> 0)
  return number.toString(36).padStart(HASH_LENGTH, '0').slice(-HASH_LENGTH)
}
