import { ipBytes } from '../../model/address.js'
import { type Cidr } from '../../model/cidr.js'

/** The longest chain name that iptables accepts: XT_EXTENSION_MAXNAMELEN is 29, with the 0 at the end. */
export const MAX_CHAIN_NAME_LENGTH = 28
/** Leaves room for every IPv4 prefix as it is written. */
const MAX_CHAIN_PREFIX_LENGTH = MAX_CHAIN_NAME_LENGTH - '255.255.255.240/28'.length
const HASH_LENGTH = 7

/**
 * Chain names for address prefixes that a reader of `iptables -L` can follow:
 *
 *     10.96.16.0/20               KUBE-PODS-10.96.16.0/20
 *     10.96.0.1/32                KUBE-PODS-10.96.0.1
 *     fd00:10:96::1f0/124         KUBE-PODS-fd00-10-96--1f0/124     would be 29 characters, and is
 *                                 KUBE-PODS-x0k3f9a2-1f0/124        x and a hash for all but the last group
 *
 * The names have only letters, digits and `-./`: nft, which shows the same chains, accepts no other characters. A written
 * prefix never begins with x, so it cannot be confused with a hash. If two hashed names are equal, the later one is hashed
 * again with a salt. Only then does a name depend on more than its prefix.
 */
export class PrefixNames {
  readonly #chainPrefix: string
  readonly #hash: typeof hashOf
  readonly #owners = new Map<string, string>()

  /**
   * @param chainPrefix such as `KUBE-PODS-`; at most 10 characters
   * @param hash gives 7 characters for a text and a salt
   */
  constructor(chainPrefix: string, hash = hashOf) {
    if (chainPrefix.length > MAX_CHAIN_PREFIX_LENGTH) {
      throw new RangeError(`"${chainPrefix}" has ${chainPrefix.length} characters, above ${MAX_CHAIN_PREFIX_LENGTH}`)
    }
    this.#chainPrefix = chainPrefix
    this.#hash = hash
  }

  /** The chain name of a prefix: the same for the same prefix until `retain` frees it. */
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

  /** Frees the names that no chain has any more. */
  retain(chains: ReadonlyMap<string, unknown>): void {
    for (const name of this.#owners.keys()) if (!chains.has(name)) this.#owners.delete(name)
  }

  /** Prefixes in one subnet share the hash, and differ in the last group. */
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

/** The prefix length; nothing for a single address. */
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
