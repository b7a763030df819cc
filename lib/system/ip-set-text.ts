import { type IpFamily, parseIp } from '../model/address.js'

/** The kinds of sets in the kernel that rules of ipvs mode use (ipset(8)). */
export type IpSetType = 'hash:ip' | 'hash:ip,port' | 'hash:ip,port,ip' | 'hash:ip,port,net' | 'bitmap:port'

/** A set of addresses or ports in the kernel, which a rule of iptables asks whether a packet is in. */
export interface IpSet {
  /** At most 31 characters. */
  readonly name: string
  readonly type: IpSetType
  readonly family: IpFamily
  /** As `ipset save` prints them: `10.96.0.10,tcp:80`, `10.0.0.1,tcp:80,10.0.0.0/8`, `30080`. */
  readonly entries: ReadonlySet<string>
}

/** A set as it was found in the kernel. */
export interface ObservedSet {
  /** Type and what it was made with, as far as we give it: see `headerOf`. */
  readonly header: string
  readonly entries: ReadonlySet<string>
}

/** How many entries a set may have. The kernel makes room as they come; kube-proxy's 65,536 are few for a large cluster. */
const MAX_ENTRIES = 1_048_576

/** Reads what `ipset save` prints, of the sets whose name begins so. */
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
 * The text for `ipset restore` after which every set is there with at least its entries. A set that was made in another way,
 * by kube-proxy for fewer entries, is replaced in one step by one that has all it had too.
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

/** The text that removes what is too much in these sets. */
export function removalInput(desired: Iterable<IpSet>, observed: ReadonlyMap<string, ObservedSet>): string {
  const lines: string[] = []
  for (const { name, entries } of desired) {
    const known = observed.get(name)
    if (known === undefined || known.entries === entries) continue
    for (const entry of known.entries) if (!entries.has(entry)) lines.push(`del ${name} ${entry}`)
  }
  return joinLines(lines)
}

/** How a set of ours is made: the words after its name. */
export function setHeader({ type, family }: IpSet): string {
  if (type === 'bitmap:port') return `${type} range 0-65535`
  return `${type} family ${family === 'IPv4' ? 'inet' : 'inet6'} maxelem ${MAX_ENTRIES}`
}

function replacementLines(set: IpSet, known: ObservedSet): string[] {
  const name = set.family === 'IPv4' ? 'KUBE-SWAP' : 'KUBE-6-SWAP'
  const entries = [...new Set([...known.entries, ...set.entries])]
  return [
    `create ${name} ${setHeader(set)}`,
    `flush ${name}`,
    ...entries.map(entry => `add ${name} ${entry}`),
    `swap ${set.name} ${name}`,
    `destroy ${name}`,
  ]
}

/** Of the words of a `create` line those that a header of ours has. */
function observedHeader(words: readonly string[]): string {
  const [type = '', ...options] = words
  const ourOptions = options.flatMap((word, index) =>
    ['family', 'maxelem', 'range'].includes(word) ? [word, options[index + 1] ?? ''] : [],
  )
  return [type, ...ourOptions].join(' ')
}

/** Addresses in the one spelling that we use. */
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
