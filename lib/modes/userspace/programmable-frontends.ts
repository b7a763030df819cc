import { type ListenerSpec } from '../../dataplane/listener-plan.js'
import { type Frontend, type TrafficAction, type TrafficClass } from '../../frontends/frontend.js'
import { type IpAddress, unspecifiedAddress } from '../../model/address.js'
import { fingerprint, sameItems } from '../../primitives/reuse-equal.js'
import { type ListenerKeyOf } from './plan.js'
import { type ProxyPort } from './proxy-port-filter.js'
import { type FrontendTarget, type ResolvedFrontend } from './resolved-frontend.js'

/** A frontend, and the listeners that its rules use. */
export interface ProgrammedFrontend {
  readonly resolved: ResolvedFrontend
  readonly specs: readonly ListenerSpec[]
  /** The ports that the listeners hold, in the same order. */
  readonly ports: readonly number[]
  readonly proxyPorts: readonly ProxyPort[]
  /** Frontends with equal fingerprints have equal rules. */
  readonly fingerprint: string
}

/** Frontends by a unique name, such as `IPv4/default/web/TCP cluster IP 10.96.0.10:80/TCP`. */
export type ProgrammedFrontends = ReadonlyMap<string, ProgrammedFrontend>

/** The listeners that rules may lead to. */
export interface UsableListeners {
  /** By key; also those that are not open. */
  readonly specs: ReadonlyMap<string, ListenerSpec>
  /** The port of each open listener, by key. */
  readonly open: ReadonlyMap<string, number>
  readonly keys: ListenerKeyOf
  /** Whether the node serves NodePorts at this address. */
  readonly servesNodePorts: (address: IpAddress) => boolean
}

/**
 * The frontends that rules may contain: those whose listeners are all open.
 * @param previous the last result: an unchanged frontend is the same object as there
 */
export function programmableFrontends(
  frontends: readonly Frontend[],
  listeners: UsableListeners,
  previous: ProgrammedFrontends,
): ProgrammedFrontends {
  const programmable = new Map<string, ProgrammedFrontend>()
  for (const frontend of frontends) {
    const name = `${frontend.servicePort.key} ${frontend.name}`
    const before = previous.get(name)
    if (before?.resolved.frontend === frontend && usesSameListeners(before, listeners)) {
      programmable.set(name, before)
      continue
    }
    const resolved = resolveFrontend(frontend, listeners)
    if (resolved === undefined) continue
    const isEqual = before?.fingerprint === resolved.fingerprint && sameItems(before.specs, resolved.specs)
    programmable.set(name, isEqual ? before : resolved)
  }
  return programmable
}

/** Whether the listeners of a frontend and their ports are unchanged. */
function usesSameListeners({ specs: own, ports }: ProgrammedFrontend, { specs, open }: UsableListeners): boolean {
  return own.every((spec, index) => specs.get(spec.key) === spec && open.get(spec.key) === ports[index])
}

/** @returns undefined if one of the listeners is not open */
function resolveFrontend(
  frontend: Frontend,
  { specs, open, keys, servesNodePorts }: UsableListeners,
): ProgrammedFrontend | undefined {
  const { servicePort } = frontend
  const targetOf = (action: TrafficAction): FrontendTarget | undefined => {
    if (action === 'drop') return action
    const key = keys.of(servicePort.key, action)
    const [spec, port] = [specs.get(key), open.get(key)]
    return spec === undefined || port === undefined ? undefined : { address: spec.address, port }
  }
  const actions = [frontend.fromNode, frontend.fromPods, frontend.fromExternal]
  const [fromNode, fromPods, fromExternal] = actions.map(targetOf)
  if (fromNode === undefined || fromPods === undefined || fromExternal === undefined) return undefined
  const trafficClasses = [...new Set(actions)].filter((action): action is TrafficClass => action !== 'drop')
  const used = trafficClasses.map(trafficClass => specs.get(keys.of(servicePort.key, trafficClass))!)
  const proxyPorts = used
    .filter(({ address }) => address !== unspecifiedAddress(servicePort.family))
    .map(({ protocol, address, key, sourceRanges }): ProxyPort => {
      const port = open.get(key)!
      const isNodePort = frontend.address === undefined && frontend.port === port && servesNodePorts(address)
      return { protocol, address, port, sourceRanges, isNodePort }
    })
  return {
    resolved: { frontend, fromNode, fromPods, fromExternal },
    specs: used,
    ports: used.map(({ key }) => open.get(key)!),
    proxyPorts,
    fingerprint: fingerprint([fromNode, fromPods, fromExternal, proxyPorts]),
  }
}
