/** Entry in the node's namespace: connection tracking of the node. Reads one JSON command per line, writes one JSON result per line. */
import { createInterface } from 'node:readline'
import { type ConntrackConfig } from '../../../lib/config/kube-proxy-config.js'
import { type IpFamily } from '../../../lib/model/address.js'
import { type Log } from '../../../lib/model/log.js'
import { type ExpectedFlows, staleFlows } from '../../../lib/modes/stale-flows.js'
import { ConntrackProgram, type FlowEntry } from '../../../lib/system/conntrack.js'
import { applyConntrackSettings } from '../../../lib/system/conntrack-settings.js'

type ConntrackCommand =
  | { readonly list: IpFamily }
  /** Deletes stale flows and returns them. */
  | {
      readonly clean: IpFamily
      readonly flows: Omit<ExpectedFlows, 'nodeAddresses'>
      readonly node: readonly string[]
    }
  | { readonly remove: readonly FlowEntry[] }
  | { readonly apply: ConntrackConfig; readonly cpus: number }
  | { readonly warnings: true }

const warnings: object[] = []
const log: Log = {
  info: () => undefined,
  warn: (message, fields) => void warnings.push({ message, ...fields }),
  error: () => undefined,
  enabled: () => false,
}
const table = new ConntrackProgram(log)

async function handle(command: ConntrackCommand): Promise<unknown> {
  if ('list' in command) return table.list(command.list, 'UDP')
  if ('apply' in command) return applyConntrackSettings(command.apply, log, undefined, command.cpus)
  if ('warnings' in command) return warnings
  if ('remove' in command) {
    await table.delete(command.remove)
    return 'removed'
  }
  const flows = { ...command.flows, nodeAddresses: new Set(command.node) }
  const stale = staleFlows(await table.list(command.clean, 'UDP'), flows)
  await table.delete(stale)
  return stale
}

for await (const line of createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify(await handle(JSON.parse(line) as ConntrackCommand))}\n`)
