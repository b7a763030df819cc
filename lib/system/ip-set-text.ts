import { parseIp } from '../model/address.js'
import { type IpSet } from './ip-set.js'

/** A set as it was found in the kernel. */
export interface FoundSet {
  /** Type and what it was made with, as far as we give it: see `headerOf`. */
  readonly header: string
  readonly entries: ReadonlySet<string>
}

/** How many entries a set may have. The kernel makes room as they come; kube-proxy's 65,536 are few for a large cluster. */
const MAX_ENTRIES = 1_048_576

/** Reads what `ipset save` prints, of the sets whose name begins so. */
export function parseIpSetText(text: string, prefix: string): Map<string, FoundSet> {
  const sets = new Map<string, { header: string; entries: Set<string> }>()
  for (const line of text.split('\n')) {
    const [command, name = '', ...words] = line.split(' ')
    if (!name.startsWith(prefix)) continue
    if (command === 'create') sets.set(name, { header: foundHeader(words), entries: new Set() })
    else if (command === 'add') sets.get(name)?.entries.add(canonicalEntry(words[0] ?? ''))
  }
  return sets
}

/**
 * The text for `ipset restore` after which every set is there with at least its entries. A set that was made in another way,
 * by kube-proxy for fewer entries, is replaced in one step by one that has all it had too.
 */
export function additions(wanted: Iterable<IpSet>, found: ReadonlyMap<string, FoundSet>): string {
  const lines: string[] = []
  for (const set of wanted) {
    const { name, entries } = set
    const known = found.get(name)
    if (known !== undefined && known.header !== headerOf(set)) {
      lines.push(...replacement(set, known))
      continue
    }
    if (known === undefined) lines.push(`create ${name} ${headerOf(set)}`)
    if (known?.entries === entries) continue
    for (const entry of entries) if (known?.entries.has(entry) !== true) lines.push(`add ${name} ${entry}`)
  }
  return textOf(lines)
}

/** The text that removes what is too much in these sets. */
export function removals(wanted: Iterable<IpSet>, found: ReadonlyMap<string, FoundSet>): string {
  const lines: string[] = []
  for (const { name, entries } of wanted) {
    const known = found.get(name)
    if (known === undefined || known.entries === entries) continue
    for (const entry of known.entries) if (!entries.has(entry)) lines.push(`del ${name} ${entry}`)
  }
  return textOf(lines)
}

/** How a set of ours is made: the words after its name. */
export function headerOf({ type, family }: IpSet): string {
  if (type === 'bitmap:port') return `${type} range 0-65535`
  return `${type} family ${family === 'IPv4' ? 'inet' : 'inet6'} maxelem ${MAX_ENTRIES}`
}

function replacement(set: IpSet, known: FoundSet): string[] {
  const name = set.family === 'IPv4' ? 'KUBE-SWAP' : 'KUBE-6-SWAP'
  const entries = [...new Set([...known.entries, ...set.entries])]
  return [
    `create ${name} ${headerOf(set)}`,
    `flush ${name}`,
    ...entries.map(entry => `add ${name} ${entry}`),
    `swap ${set.name} ${name}`,
    `destroy ${name}`,
  ]
}

/** Of the words of a `create` line those that a header of ours has. */
function foundHeader(words: readonly string[]): string {
  const [type = '', ...options] = words
  const kept = options.flatMap((word, index) =>
    ['family', 'maxelem', 'range'].includes(word) ? [word, options[index + 1] ?? ''] : [],
  )
  return [type, ...kept].join(' ')
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

function textOf(lines: readonly string[]): string {
  return lines.map(line => `${line}\n`).join('')
}
