/**
 * Entry in the node's namespace: ipvs mode on what this kernel has, one JSON command a line, one JSON answer a line. A new
 * process of this is what a restart of the proxy is.
 */
import { createInterface } from 'node:readline'
import { familyOf, type IpFamily } from '../../lib/model/address.js'
import { parseCidr } from '../../lib/model/cidr.js'
import { type Endpoint } from '../../lib/model/endpoint.js'
import { ProxyFailure, messageOf } from '../../lib/model/failure.js'
import { type Log, type LogFields } from '../../lib/model/log.js'
import { type EventSink } from '../../lib/model/event-sink.js'
import { ServedPortals } from '../../lib/modes/served-portals.js'
import { type ServicePort } from '../../lib/model/service-port.js'
import { type ServedPort, type ServiceSnapshot } from '../../lib/model/snapshot.js'
import { leaveModes } from '../../lib/modes/leave-modes.js'
import { cleanupIpvs } from '../../lib/modes/ipvs/cleanup-ipvs.js'
import { retireIpvs } from '../../lib/modes/ipvs/retire-ipvs.js'
import { IpvsProxier } from '../../lib/modes/ipvs/proxier.js'
import { usableEndpoints } from '../../lib/snapshot/usable-endpoints.js'
import { ConntrackProgram } from '../../lib/system/conntrack.js'
import { dummyInterface } from '../../lib/system/dummy-interface.js'
import { ipSetProgram } from '../../lib/system/ip-sets.js'
import { ipvsProgram } from '../../lib/system/ipvs.js'
import { applyIpvsSettings } from '../../lib/system/ipvs-settings.js'
import { ipvsUsable } from '../../lib/system/ipvs-usable.js'
import { readNodeNetwork } from '../../lib/system/node-addresses.js'
import { usableIptables } from '../../lib/system/usable-iptables.js'
import { endpointOf } from './endpoint-of.js'
import { HandMovedClock } from './hand-moved-clock.js'
import { servicePortOf } from './service-port-of.js'

export interface InsideService {
  readonly port: Partial<Omit<ServicePort, 'key'>>
  readonly endpoints: readonly (Partial<Endpoint> & { readonly ip: string })[]
}

export type InsideCommand =
  | { readonly do: 'usable' | 'start' | 'cleanup' | 'retire' | 'verify' | 'warnings' | 'minute' }
  /** Serves these and nothing else, as the sync loop does it; answers in how many families rules were written. */
  | { readonly do: 'serve'; readonly services: readonly InsideService[] }
  /** Wants these, and brings nothing about. */
  | { readonly do: 'want'; readonly services: readonly InsideService[] }

const told: unknown[] = []
const tell = (message: string, fields?: LogFields): void => void told.push({ message, ...fields })
const log: Log = {
  info: () => undefined,
  warn: tell,
  error: (message, error) => tell(message, { error: messageOf(error) }),
  enabled: () => false,
}
const clock = new HandMovedClock()
const events: EventSink = { event: ({ reason }) => tell(reason) }
const kernel = { ipvs: ipvsProgram, sets: ipSetProgram, dummy: dummyInterface }
const podRange = { IPv4: parseCidr('10.244.0.0/15')!, IPv6: parseCidr('fd00:244::/31')! }
const iptables = await usableIptables(log)
const conntrack = new ConntrackProgram(log)
const own = (family: IpFamily): string[] =>
  readNodeNetwork()
    .addresses.map(({ ip }) => ip)
    .filter(ip => familyOf(ip) === family)

const proxier = new IpvsProxier({
  ...kernel,
  iptables,
  conntrack,
  settings: { scheduler: 'rr', masqueradeAll: false, masqueradeMark: 0x4000, randomFully: false },
  excludeCIDRs: [parseCidr('10.99.0.0/16')!],
  surroundings: family => ({ fromPods: [{ source: podRange[family] }], nodePortAddresses: undefined }),
  nodeAddresses: own,
  timeouts: { tcp: 0, tcpFin: 0, udp: 0 },
  applySettings: () => applyIpvsSettings(false, log),
  clock,
  events,
  log,
})

const left = () => ({ ...kernel, excludeCIDRs: [], nodeAddresses: [...own('IPv4'), ...own('IPv6')] })

function served({ port, endpoints }: InsideService): ServedPort {
  const servicePort = servicePortOf(port)
  const all = endpoints.map(({ ip, ...given }) => endpointOf(ip, given))
  return { servicePort, endpoints: all, usable: usableEndpoints(servicePort, all, { name: 'this-node', zone: '' }) }
}

function snapshotOf(services: readonly InsideService[]): ServiceSnapshot {
  const ports = services.map(served)
  return { generation: 0, ports: new Map(ports.map(port => [port.servicePort.key, port])) }
}

async function serve(services: readonly InsideService[]): Promise<object> {
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

async function answer(command: InsideCommand): Promise<unknown> {
  switch (command.do) {
    case 'usable':
      return (await ipvsUsable('rr'))?.code ?? 'usable'
    case 'start':
      return proxier.start()
    case 'serve':
      return serve(command.services)
    case 'want': {
      const wanted = new ServedPortals({ nodeAddresses: own, events, log }).of(snapshotOf(command.services))
      return proxier.rules.forEach(rules => rules.want(wanted))
    }
    case 'verify': {
      // By then nothing is taken on trust.
      await clock.advance(30_000)
      const changed: boolean[] = []
      for (const rules of proxier.rules) changed.push((await rules.program(true)).changed)
      return changed
    }
    case 'minute':
      await clock.advance(60_000)
      // What the clock has started goes on in programs, which the next work waits for.
      do for (const rules of proxier.rules) await rules.apply()
      while (clock.waiting === 0 && proxier.rules.some(({ isWaiting }) => isWaiting))
      return clock.waiting
    case 'warnings':
      return told.splice(0)
    case 'cleanup':
      proxier.stop()
      for (const tables of iptables) await leaveModes(tables, undefined)
      return cleanupIpvs(left())
    case 'retire':
      proxier.stop()
      for (const tables of iptables) await leaveModes(tables, 'userspace')
      return retireIpvs({ ...left(), conntrack, log })
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const said = await answer(JSON.parse(line) as InsideCommand).catch((error: unknown) => ({
    code: error instanceof ProxyFailure ? error.code : undefined,
    failure: messageOf(error),
  }))
  process.stdout.write(`${JSON.stringify(said ?? 'done')}\n`)
}
