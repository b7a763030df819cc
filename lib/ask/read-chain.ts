import { formatChain } from '../modes/nat-chains.js'
import { type Lab, type Place, type Ran } from './lab.js'

/** A rule as `iptables -L -n -v` prints it. */
export interface CountedRule {
  readonly packets: number
  /** The rest of its line. */
  readonly text: string
}

/** A chain of a table with the counters of its rules; the command has the columns that matter in its output. */
export async function readChain(
  lab: Lab,
  chain: string,
  table = 'nat',
  where: Place = 'node',
): Promise<{ readonly ran: Ran; readonly rules: readonly CountedRule[] }> {
  const ran = await lab.run(where, 'iptables', '-t', table, '-L', chain, '-n', '-v', '-x')
  const lines = ran.output.split('\n').slice(2)
  const rules = lines.map(line => {
    const [, packets = '0', text = ''] = /^\s*(\d+)\s+\d+\s+(.*)$/.exec(line) ?? []
    return { packets: Number(packets), text: text.trim() }
  })
  return { ran: { ...ran, output: formatChain(chain, lines) }, rules }
}

/** What the rules for an address and port have counted. */
export function packetsTo(rules: readonly CountedRule[], address: string, port: number): number {
  return rules
    .filter(({ text }) => text.includes(` ${address} `) && `${text} `.includes(` dpt:${port} `))
    .reduce((sum, { packets }) => sum + packets, 0)
}
