import { type IpFamily, parseIp } from '../model/address.js'

/** The kinds of sets in the kernel that rules of ipvs mode use (ipset(8)). */
export type IpSetType = 'hash:ip' | 'hash:ip,port' | 'hash:ip,port,ip' | 'hash:ip,port,net' | 'bitmap:port'

/** A set of addresses or ports in the kernel, for iptables rules to match packets against. */
export interface IpSet {
  /** At most 31 characters. */
  readonly name: string
  readonly type: IpSetType
  readonly family: IpFamily
  /** As `ipset save` prints them: `10.96.0.10,tcp:80`, `10.0.0.1,tcp:80,10.0.0.0/8`, `30080`. */
  readonly entries: ReadonlySet<string>
}

/** A set in the kernel. */
export interface ObservedSet {
  /** Type and options, limited to the options of `setHeader`. */
  readonly header: string
  readonly entries: ReadonlySet<string>
}

/** Most entries of a set. The kernel allocates as needed; kube-proxy's 65,536 are too few for a large cluster. */
const MAX_ENTRIES = 1_048_576

/** Reads the output of `ipset save`, limited to sets with this prefix of the name. */
export function parseIpSetText(text: string, prefix: string): Map<string, ObservedSet> {
  const sets = new Map<string, { header: string; entries: Set<string> }>()
  for (const line of text.split('\n')) {
    const [command, name = '', ...words] = line.split(' ')
    if (!name.startsWith(prefix)) continue
    if (command === 'create') sets.set(name, { header: observedHeader(words), entries: new Set() })
    else if (command === 'add') sets.get(name)?.entries.add(canonicalEntry(words[0] ?? ''))
  }
  return sets
}

/**
 * The input of `ipset restore` that creates missing sets and adds missing entries. It replaces a set with other options, such
 * as one of kube-proxy for fewer entries, in one step by a set that has the same entries too.
 */
export function additionInput(desired: Iterable<IpSet>, observed: ReadonlyMap<string, ObservedSet>): string {
  const lines: string[] = []
  for (const set of desired) {
    const { name, entries } = set
    const known = observed.get(name)
    if (known !== undefined && known.header !== setHeader(set)) {
      lines.push(...replacementLines(set, known))
      continue
    }
    if (known === undefined) lines.push(`create ${name} ${setHeader(set)}`)
    if (known?.entries === entries) continue
    for (const entry of entries) if (known?.entries.has(entry) !== true) lines.push(`add ${name} ${entry}`)
  }
  return joinLines(lines)
}

/** The input of `ipset restore` that removes extra entries from these sets. */
export function removalInput(desired: Iterable<IpSet>, observed: ReadonlyMap<string, ObservedSet>): string {
  const lines: string[] = []
  for (const { name, entries } of desired) {
    const known = observed.get(name)
    if (known === undefined || known.entries === entries) continue
    for (const entry of known.entries) if (!entries.has(entry)) lines.push(`del ${name} ${entry}`)
  }
  return joinLines(lines)
}

/** Type and options of a set of this proxy: the words after its name in a `create` line. */
export function setHeader({ type, family }: IpSet): string {
  if (type === 'bitmap:port') return `${type} range 0-65535`
  return `${type} family ${family === 'IPv4' ? 'inet' : 'inet6'} maxelem ${MAX_ENTRIES}`
}

/** The set that replaces one of this family, until it has its name. */
export function swapName({ family }: Pick<IpSet, 'family'>): string {
  return family === 'IPv4' ? 'KUBE-SWAP' : 'KUBE-6-SWAP'
}

function replacementLines(set: IpSet, known: ObservedSet): string[] {
  const name = swapName(set)
  const entries = [...new Set([...known.entries, ...set.entries])]
  return [
    `create ${name} ${setHeader(set)}`,
    `flush ${name}`,
    ...entries.map(entry => `add ${name} ${entry}`),
    `swap ${set.name} ${name}`,
    `destroy ${name}`,
  ]
}

/** The words of a `create` line that `setHeader` has too. */
function observedHeader(words: readonly string[]): string {
  const [type = '', ...options] = words
  const ourOptions = options.flatMap((word, index) =>
    ['family', 'maxelem', 'range'].includes(word) ? [word, options[index + 1] ?? ''] : [],
  )
  return [type, ...ourOptions].join(' ')
}

/** An entry with its addresses in canonical form. */
function canonicalEntry(entry: string): string {
  if (!entry.includes('::')) return entry
  return entry
    .split(',')
    .map(part => {
      const [ip, ...bits] = part.split('/')
      return [parseIp(ip) ?? ip, ...bits].join('/')
    })
    .join(',')
}

function joinLines(lines: readonly string[]): string {
  return lines.map(line => `${line}\n`).join('')
}
