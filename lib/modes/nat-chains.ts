import { type CountedPort, type NodeCommands } from './mode-walkthrough.js'

/** What `iptables -L -v` prints for any address. */
const ANY_ADDRESS = '0.0.0.0/0'
/** Columns of a rule: packets, bytes, target, protocol, options, interfaces, source, destination, and the rest. */
const RULE = /^\s*(\S+)\s+\S+\s+(\S+)\s+\S+\s+\S+\s+\S+\s+\S+\s+(\d\S*)\s+(\d\S*)(?:\s+(.*))?$/

/**
 * Lists the chains of table nat whose names match, without unimportant columns: the lines of `iptables` are twice as wide as most
 * terminals.
 * @param rank returns a number for the name of a chain, by which the chains are sorted; equal ones keep the order of iptables
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

/** How many packets the rules for a port of a Service have counted. Each one is the first packet of a connection or flow. */
export async function countNatPackets(
  node: NodeCommands,
  names: RegExp,
  { clusterIP, port, protocol }: CountedPort,
): Promise<number> {
  const rule = ` ${protocol.toLowerCase()} dpt:${port} `
  const rows = (await listNatChains(node, names, '-x'))
    .flat()
    .filter(row => row.includes(` ${clusterIP} `) && `${row} `.includes(rule))
  return rows.reduce((sum, row) => sum + Number(/^\s*(\d+)\s/.exec(row)?.[1] ?? 0), 0)
}

/** Formats the rules of a chain, given as lines of `iptables -L -n -v`, without empty columns. */
export function formatChain(name: string, rules: readonly string[]): string {
  const rows = rules.map(readRule)
  const table = [['PKTS', 'TARGET', 'SOURCE', 'DESTINATION', 'DETAILS', 'COMMENT'], ...rows]
  const widths = table[0]!.map((_, column) => Math.max(...table.map(row => row[column]!.length)))
  const visibleColumns = widths.flatMap((_, column) =>
    column < 2 || rows.some(row => row[column] !== '') ? [column] : [],
  )
  const lines = table.map(row =>
    visibleColumns
      .map(column => (column === 0 ? row[0]!.padStart(widths[0]!) : row[column]!.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd(),
  )
  return [`Chain ${name}`, ...lines].join('\n')
}

function readRule(line: string): string[] {
  const [, packets = '', target = '', source = '', destination = '', rest = ''] = RULE.exec(line) ?? []
  // A rule of another form is printed unchanged.
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
