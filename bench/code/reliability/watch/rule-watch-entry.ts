/**
 * Entry, runs on the node: `rule-watch-entry.js CLUSTER-IP PORT CLIENT-IP SERVED-BY`. Ten times a second it follows a client through the rules
 * and virtual servers, and looks who accepts there; it prints a `RuleState` when that changes. Each line of its standard input is `PID NAME` of a proxy.
 */
import { execFile } from 'node:child_process'
import { networkInterfaces } from 'node:os'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { parseIpvsText } from '../../../../lib/system/ipvs-text.js'
import { type Packet } from '../../../../test/support/kernel/trace-packet.js'
import { sharedClockMs } from '../../measure/shared-clock.js'
import { KnownProcesses } from './known-processes.js'
import { findListeningSocket } from './listening-socket.js'
import { findRuleLead } from './rule-leads.js'
import { CLOSED_PORT, EXITING_PROCESS, NO_RULE, NO_SERVER, type RuleState, type ServedBy } from './rule-watch.js'

const INTERVAL_MS = 100
const run = promisify(execFile)

const [destination, port, source, servedBy] = process.argv.slice(2) as [string, string, string, ServedBy]
const localAddresses = Object.values(networkInterfaces()).flatMap(each => each!.map(({ address }) => address))
const packet: Packet = {
  hook: 'PREROUTING',
  protocol: 'tcp',
  destination,
  port: Number(port),
  source,
  inInterface: 'cni0',
  localAddresses,
}
const processes = new KnownProcesses()
createInterface({ input: process.stdin }).on('line', line => {
  const [pid, ...name] = line.split(' ')
  processes.add(name.join(' '), Number(pid))
})

for (let last = ''; ;) {
  const at = sharedClockMs()
  const to = await readState()
  if (to !== last) {
    const state: RuleState = { at, to }
    process.stdout.write(`${JSON.stringify(state)}\n`)
    last = to
  }
  await pause(INTERVAL_MS)
}

async function readState(): Promise<string> {
  processes.update()
  if (servedBy === 'virtual servers') return (await hasVirtualServer()) ? 'kernel' : NO_SERVER
  const { stdout } = await run('iptables-save', ['-t', 'nat'])
  const lead = findRuleLead(stdout, packet)
  if (lead === 'Pods') return 'kernel'
  if (lead === 'nothing') return NO_RULE
  const inode = findListeningSocket(lead.port)
  if (inode === undefined) return CLOSED_PORT
  const holder = processes.describeHolder(inode)
  // Without a holder, the kernel closes the socket now, or has closed it since.
  return holder ?? (findListeningSocket(lead.port) === inode ? EXITING_PROCESS : CLOSED_PORT)
}

/** Whether the kernel has a virtual server for the Service, with a Pod for new clients. */
async function hasVirtualServer(): Promise<boolean> {
  const servers = parseIpvsText((await run('ipvsadm', ['-L', '-n'])).stdout)
  const server = servers.find(each => each.address === destination && each.port === Number(port))
  return server !== undefined && server.realServers.some(({ weight }) => weight > 0)
}
