/**
 * Entry in the node's namespace: ipvs mode on the real kernel. Reads one JSON command per line, writes one JSON result per line. A new
 * process is like a restart of the proxy.
 */
import { LocalAddresses } from '../../../lib/model/local-addresses.js'
import { OnceReporter } from '../../../lib/primitives/once-reporter.js'
import { chainOwners } from '../../../lib/modes/registry.js'
import { createInterface } from 'node:readline'
import { familyOf, type IpFamily } from '../../../lib/model/address.js'
import { parseCidr } from '../../../lib/model/cidr.js'
import { type Endpoint } from '../../../lib/model/endpoint.js'
import { ProxyFailure, messageOf } from '../../../lib/model/failure.js'
import { type Log, type LogFields } from '../../../lib/model/log.js'
import { type EventSink } from '../../../lib/model/event-sink.js'
import { FrontendTable } from '../../../lib/frontends/frontend-table.js'
import { type ServicePort } from '../../../lib/model/service-port.js'
import { type ServedPort, type ServiceSnapshot } from '../../../lib/model/snapshot.js'
import { removeStaleChains } from '../../../lib/modes/remove-stale-chains.js'
import { cleanupIpvs } from '../../../lib/modes/ipvs/cleanup.js'
import { drainIpvs } from '../../../lib/modes/ipvs/drain.js'
import { IpvsProxier } from '../../../lib/modes/ipvs/proxier.js'
import { usableEndpoints } from '../../../lib/snapshot/usable-endpoints.js'
import { ConntrackProgram } from '../../../lib/system/conntrack.js'
import { dummyInterface } from '../../../lib/system/dummy-interface.js'
import { ipSetProgram } from '../../../lib/system/ip-sets.js'
import { ipvsProgram } from '../../../lib/system/ipvs.js'
import { applyIpvsSettings } from '../../../lib/system/ipvs-settings.js'
import { probeDummyInterface, probeIpSets, probeIpvsScheduler } from '../../../lib/system/probe-ipvs.js'
import { readNodeNetwork } from '../../../lib/system/node-addresses.js'
import { detectIptables } from '../../../lib/system/detect-iptables.js'
import { makeEndpoint } from '../model/make-endpoint.js'
import { ManualClock } from '../clock/manual-clock.js'
import { makeServicePort } from '../model/make-service-port.js'

export interface ServedService {
  readonly port: Partial<Omit<ServicePort, 'key'>>
  readonly endpoints: readonly (Partial<Endpoint> & { readonly ip: string })[]
}

export type IpvsProxierCommand =
  | { readonly do: 'probe' | 'start' | 'cleanup' | 'drain' | 'verify' | 'warnings' | 'advance-minute' }
  /** Serves exactly these service ports, like the sync loop. @returns the number of families whose rules were written */
  | { readonly do: 'serve'; readonly services: readonly ServedService[] }
  /** Plans for these service ports, and writes nothing. */
  | { readonly do: 'set-desired'; readonly services: readonly ServedService[] }

const reported: unknown[] = []
const recordWarning = (message: string, fields?: LogFields): void => void reported.push({ message, ...fields })
const log: Log = {
  info: () => undefined,
  warn: recordWarning,
  error: (message, error) => recordWarning(message, { error: messageOf(error) }),
  enabled: () => false,
}
const clock = new ManualClock()
const events: EventSink = { record: ({ reason }) => recordWarning(reason) }
const kernel = { ipvs: ipvsProgram, sets: ipSetProgram, dummy: dummyInterface }
const podRange = { IPv4: parseCidr('10.244.0.0/15')!, IPv6: parseCidr('fd00:244::/31')! }
const iptables = await detectIptables(log)
const conntrack = new ConntrackProgram(log)
const nodeAddresses = (family: IpFamily): string[] =>
  readNodeNetwork()
    .addresses.map(({ ip }) => ip)
    .filter(ip => familyOf(ip) === family)
const localAddresses = (): LocalAddresses => new LocalAddresses(readNodeNetwork().addresses.map(({ ip }) => ip))

const proxier = new IpvsProxier({
  ...kernel,
  iptables,
  conntrack,
  chainOwners: chainOwners('ipvs'),
  settings: { scheduler: 'rr', masqueradeAll: false, masqueradeMark: 0x4000, randomFully: false },
  excludeCIDRs: [parseCidr('10.99.0.0/16')!],
  localTraffic: family => ({ localMatches: [{ source: podRange[family] }], nodePortAddresses: undefined }),
  nodeAddresses: nodeAddresses,
  localAddresses,
  timeouts: { tcp: 0, tcpFin: 0, udp: 0 },
  applySettings: () => applyIpvsSettings(false, log),
  maxStateAgeMs: 30_000,
  clock,
  events,
  log,
})

const leftoverSettings = () => ({
  ...kernel,
  excludeCIDRs: [],
  nodeAddresses: [...nodeAddresses('IPv4'), ...nodeAddresses('IPv6')],
})

function makeServedPort({ port, endpoints }: ServedService): ServedPort {
  const servicePort = makeServicePort(port)
  const all = endpoints.map(({ ip, ...given }) => makeEndpoint(ip, given))
  return { servicePort, endpoints: all, usable: usableEndpoints(servicePort, all, { name: 'this-node', zone: '' }) }
}

function snapshotOf(services: readonly ServedService[]): ServiceSnapshot {
  const ports = services.map(makeServedPort)
  return { generation: 0, ports: new Map(ports.map(port => [port.servicePort.key, port])) }
}

async function serve(services: readonly ServedService[]): Promise<object> {
  const snapshot = snapshotOf(services)
  let { failed } = await proxier.update(snapshot)
  let written = 0
  for (const rules of proxier.rules) {
    if (!rules.pending) continue
    const report = await rules.program(false)
    if (report.rules.some(table => table.written > 0)) written++
  }
  failed += (await proxier.update(snapshot)).failed
  return { failed, written, stillPending: proxier.rules.some(({ pending }) => pending) }
}

/** The code of the first failure; `probe` if the kernel has everything. */
async function probe(): Promise<string> {
  try {
    await probeIpvsScheduler('rr', ipvsProgram)
    await probeIpSets(ipSetProgram)
    await probeDummyInterface(dummyInterface)
    return 'probe'
  } catch (error) {
    if (error instanceof ProxyFailure) return error.code
    throw error
  }
}

async function handle(command: IpvsProxierCommand): Promise<unknown> {
  switch (command.do) {
    case 'probe':
      return probe()
    case 'start':
      return proxier.start()
    case 'serve':
      return serve(command.services)
    case 'set-desired': {
      const desired = new FrontendTable(localAddresses).resolve(snapshotOf(command.services))
      return proxier.rules.forEach(rules => rules.setDesired(desired))
    }
    case 'verify': {
      // After this time the proxier reads everything again.
      await clock.advance(30_000)
      const changed: boolean[] = []
      for (const rules of proxier.rules) changed.push((await rules.program(true)).changed)
      return changed
    }
    case 'advance-minute':
      await clock.advance(60_000)
      // The work that the clock has started runs in programs; the next command waits for it.
      do for (const rules of proxier.rules) await rules.apply()
      while (clock.pendingTimers === 0 && proxier.rules.some(({ isDraining }) => isDraining))
      return clock.pendingTimers
    case 'warnings':
      return reported.splice(0)
    case 'cleanup':
      await proxier.stop()
      for (const tables of iptables) await removeStaleChains(tables, chainOwners(undefined))
      return cleanupIpvs(leftoverSettings())
    case 'drain':
      await proxier.stop()
      for (const tables of iptables) await removeStaleChains(tables, chainOwners('userspace'))
      return drainIpvs({
        ...leftoverSettings(),
        conntrack,
        flowProblems: { IPv4: new OnceReporter(), IPv6: new OnceReporter() },
        log,
      })
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const result = await handle(JSON.parse(line) as IpvsProxierCommand).catch((error: unknown) => ({
    code: error instanceof ProxyFailure ? error.code : undefined,
    failure: messageOf(error),
  }))
  process.stdout.write(`${JSON.stringify(result ?? 'done')}\n`)
}
