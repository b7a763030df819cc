import { type CountedPort, type NodeCommands } from './mode-walkthrough.js'

/** The chains of table nat whose names match, as `iptables -L` prints them. */
export async function readNatChains(
  node: NodeCommands,
  names: RegExp,
  ...options: readonly string[]
): Promise<string[]> {
  const { stdout } = await node.run('iptables', ['-t', 'nat', '-L', '-n', '-v', ...options])
  return stdout.split('\n\n').filter(chain => names.test(/^\s*Chain (\S+)/.exec(chain)?.[1] ?? ''))
}

/** How many packets the rules of these chains for a Service's port have counted: each is the first of a connection or flow. */
export async function countNatPackets(
  node: NodeCommands,
  names: RegExp,
  { clusterIP, port, protocol }: CountedPort,
): Promise<number> {
  const rule = ` ${protocol.toLowerCase()} dpt:${port} `
  const rows = (await readNatChains(node, names, '-x'))
    .flatMap(chain => chain.split('\n'))
    .filter(row => row.includes(` ${clusterIP} `) && `${row} `.includes(rule))
  return rows.reduce((sum, row) => sum + Number(row.trim().split(/\s+/)[0]), 0)
}
