import { type IpFamily, familyOf, parseIp } from '../../../lib/model/address.js'
import { parseCidr } from '../../../lib/model/cidr.js'
import { type ObservedSet, parseIpSetText } from '../../../lib/system/ip-set-text.js'
import { type IpSets } from '../../../lib/system/ip-sets.js'

/** One set in the kernel. */
export interface MemorySet {
  /** Such as `hash:ip,port`. */
  readonly type: string
  /** `inet` or `inet6`; a set of ports has neither. */
  readonly family: string | undefined
  /** The words after the name in the output of `ipset save`. */
  readonly header: string
  readonly maxEntries: number
  readonly entries: Set<string>
}

const MAX_NAME_LENGTH = 31

/**
 * The kernel's sets in memory, as `ipset restore` and `ipset save` show them, written from the program's manual and not
 * from the proxy's code. Anything unknown, an existing entry and a missing entry are errors; the program itself accepts the last two
 * only with `-!`.
 */
export class MemoryIpSets implements IpSets {
  /** Number of changes. */
  writes = 0
  readonly #sets = new Map<string, MemorySet>()
  readonly #referencedSets: () => Iterable<string>

  /** @param inUse the names of sets that rules match: they cannot be destroyed */
  constructor(inUse: () => Iterable<string>) {
    this.#referencedSets = inUse
  }

  get(name: string): MemorySet | undefined {
    return this.#sets.get(name)
  }

  /** The output of `ipset save`. */
  get saveOutput(): string {
    let text = ''
    for (const [name, { header, entries }] of this.#sets) {
      text += `create ${name} ${header}\n`
      for (const entry of entries) text += `add ${name} ${entry}\n`
    }
    return text
  }

  read(): Promise<ReadonlyMap<string, ObservedSet>> {
    return Promise.resolve(parseIpSetText(this.saveOutput, 'KUBE-'))
  }

  async restore(text: string): Promise<void> {
    for (const [index, line] of text.split('\n').entries()) {
      if (line === '') continue
      this.writes++
      const reason = this.#restoreLine(line)
      if (reason !== undefined) throw new Error(`ipset: error in line ${index + 1}: ${line}: ${reason}`)
    }
    await Promise.resolve()
  }

  /** Runs a line. @returns the error message of the program, if any */
  #restoreLine(line: string): string | undefined {
    const [command, name = '', word = '', ...rest] = line.split(' ')
    if (command === 'create') return this.#create(name, word, rest)
    const set = this.#sets.get(name)
    if (set === undefined) return 'the set does not exist'
    switch (command) {
      case 'add': {
        const entry = rest.length === 0 ? parseEntry(word, set) : undefined
        if (entry === undefined) return `no entry of ${set.type}`
        if (set.entries.has(entry)) return 'it is already in the set'
        if (set.entries.size === set.maxEntries) return 'the set is full'
        set.entries.add(entry)
        return undefined
      }
      case 'del':
        return set.entries.delete(parseEntry(word, set) ?? '') ? undefined : 'it is not in the set'
      case 'flush':
        set.entries.clear()
        return undefined
      case 'swap': {
        const other = this.#sets.get(word)
        if (other === undefined) return 'the second set does not exist'
        if (other.type !== set.type || other.family !== set.family) return 'the sets are of different types'
        this.#sets.set(name, other).set(word, set)
        return undefined
      }
      case 'destroy':
        if ([...this.#referencedSets()].includes(name)) return 'the set is in use'
        this.#sets.delete(name)
        return undefined
      default:
        return 'no such command'
    }
  }

  #create(name: string, type: string, words: readonly string[]): string | undefined {
    if (this.#sets.has(name)) return 'the set exists'
    if (name.length > MAX_NAME_LENGTH) return `longer than ${MAX_NAME_LENGTH} characters`
    const header = [type, ...words].join(' ')
    if (header === 'bitmap:port range 0-65535') {
      this.#sets.set(name, { type, family: undefined, header, maxEntries: Infinity, entries: new Set() })
      return undefined
    }
    const [, family, maxEntries] = /^hash:[a-z,]+ family (inet6?) maxelem (\d+)$/.exec(header) ?? []
    if (family === undefined || !HASH_TYPES.has(type)) return 'no such type'
    this.#sets.set(name, { type, family, header, maxEntries: Number(maxEntries), entries: new Set() })
    return undefined
  }
}

const HASH_TYPES = new Set(['hash:ip', 'hash:ip,port', 'hash:ip,port,ip', 'hash:ip,port,net'])

/** An entry in the form in which the kernel prints it; undefined if the set cannot contain it. */
function parseEntry(text: string, { type, family }: MemorySet): string | undefined {
  if (type === 'bitmap:port') return /^\d+$/.test(text) && Number(text) <= 65_535 ? String(Number(text)) : undefined
  const kinds = type.slice('hash:'.length).split(',')
  const parts = text.split(',')
  const read = kinds.map((kind, index) => parseEntryPart(kind, parts[index] ?? '', family === 'inet' ? 'IPv4' : 'IPv6'))
  return parts.length === kinds.length && !read.includes(undefined) ? read.join(',') : undefined
}

function parseAddress(text: string, family: IpFamily): string | undefined {
  const ip = parseIp(text)
  return ip !== undefined && familyOf(ip) === family ? ip : undefined
}

function parseEntryPart(kind: string, text: string, family: IpFamily): string | undefined {
  switch (kind) {
    case 'port':
      return /^(tcp|udp|sctp):\d+$/.test(text) ? text : undefined
    case 'ip':
      return parseAddress(text, family)
    default: {
      if (!text.includes('/')) return parseAddress(text, family)
      const range = parseCidr(text)
      if (range?.family !== family || range.bits === 0) return undefined
      return range.bits === (family === 'IPv4' ? 32 : 128) ? range.network : `${range.network}/${range.bits}`
    }
  }
}
