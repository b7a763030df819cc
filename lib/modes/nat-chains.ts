import { type CountedPort, type NodeCommands } from './mode-walkthrough.js'

/** `iptables -L -v` prints this for "any address". */
const ANY_ADDRESS = '0.0.0.0/0'
/** One rule: packets, bytes, target, protocol, options, interfaces, source, destination, and the rest. */
const RULE = /^\s*(\S+)\s+\S+\s+(\S+)\s+\S+\s+\S+\s+\S+\s+\S+\s+(\d\S*)\s+(\d\S*)(?:\s+(.*))?$/

/**
 * The chains of table nat whose names match, with the columns that matter: the lines of `iptables` itself are twice as wide
 * as most terminals.
 * @param rank orders the chains by their names, smallest first; equal ones stay in the order of iptables
 */
export async function readNatChains(
  node: NodeCommands,
  names: RegExp,
  rank: (chain: string) => number = () => 0,
): Promise<string> {
  return (await listNatChains(node, names))
    .map(lines => ({ name: chainName(lines), lines }))
    .sort((a, b) => rank(a.name) - rank(b.name))
    .map(({ name, lines }) => formatChain(name, lines.slice(2)))
    .join('\n')
}

/** How many packets the rules for a port of a Service have counted: each is the first of a connection or flow. */
export async function countNatPackets(
  node: NodeCommands,
  names: RegExp,
  { clusterIP, port, protocol }: CountedPort,
): Promise<number> {
  const rule = ` ${protocol.toLowerCase()} dpt:${port} `
  const rows = (await listNatChains(node, names, '-x'))
    .flat()
    .filter(row => row.includes(` ${clusterIP} `) && `${row} `.includes(rule))
  return rows.reduce((sum, row) => sum + Number(row.trim().split(/\s+/)[0]), 0)
}

/** A chain as `iptables -L -n -v` prints its rules, without the columns that are the same in all of them. */
export function formatChain(name: string, rules: readonly string[]): string {
  const rows = rules.map(readRule)
  const table = [['PKTS', 'TARGET', 'SOURCE', 'DESTINATION', 'DETAILS', 'COMMENT'], ...rows]
  const widths = table[0]!.map((_, column) => Math.max(...table.map(row => row[column]!.length)))
  const shown = widths.flatMap((_, column) => (column < 2 || rows.some(row => row[column] !== '') ? [column] : []))
  const lines = table.map(row =>
    shown
      .map(column => (column === 0 ? row[0]!.padStart(widths[0]!) : row[column]!.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd(),
  )
  return [`Chain ${name}`, ...lines].join('\n')
}

function readRule(line: string): string[] {
  const [, packets = '', target = '', source = '', destination = '', rest = ''] = RULE.exec(line) ?? []
  // A rule of another form is shown as it is.
  if (packets === '') return ['', line.trim(), '', '', '', '']
  const [comment = '', text = ''] = /\/\* (.*?)(?:; NOTE:.*?)? \*\//.exec(rest) ?? []
  const match = rest
    .replace(comment, '')
    .replace('statistic mode random', 'random')
    .replace('ADDRTYPE match ', '')
    .replace(/(0\.\d{3})\d+/, '$1')
    .replace(/\s+/g, ' ')
    .trim()
  return [packets, target, hideAny(source), hideAny(destination), match, text]
}

function hideAny(address: string): string {
  return address === ANY_ADDRESS ? '' : address
}

async function listNatChains(node: NodeCommands, names: RegExp, ...options: readonly string[]): Promise<string[][]> {
  const { stdout } = await node.run('iptables', ['-t', 'nat', '-L', '-n', '-v', ...options])
  return stdout
    .trim()
    .split(/\n\n+/)
    .map(chain => chain.split('\n').filter(line => line.trim() !== ''))
    .filter(lines => names.test(chainName(lines)))
}

function chainName(lines: readonly string[]): string {
  return /^\s*Chain (\S+)/.exec(lines[0] ?? '')?.[1] ?? ''
}
