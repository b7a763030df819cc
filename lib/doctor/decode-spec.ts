import { type Cidr } from '../model/cidr.js'
import { type Protocol } from '../model/protocol.js'
import { decodeService } from '../snapshot/decode-service.js'
import { fields } from '../snapshot/decoded.js'
import { ignoredReason } from '../snapshot/service-ports.js'
import { textMap } from './decode-pod.js'

/** What only the Service object says, and the proxy does not need to know. */
export interface ServiceSpec {
  readonly type: string
  /** Empty: the type is not ExternalName. */
  readonly externalName: string
  readonly isHeadless: boolean
  /** Why a kube-proxy leaves it out, in words that follow "because"; undefined: it serves it. */
  readonly ignored: string | undefined
  /** Empty: the Service has none, and its endpoints are made by hand. */
  readonly selector: ReadonlyMap<string, string>
  readonly ports: readonly SpecPort[]
  /** Undefined: all clients may reach the load-balancer IPs. */
  readonly sourceRanges: readonly Cidr[] | undefined
  /** What the load balancer says of itself: addresses, host names. Kube-proxy serves only some of them. */
  readonly ingress: readonly string[]
  /** A sentence for each wrong field. */
  readonly problems: readonly string[]
}

/** One port as the object has it. */
export interface SpecPort {
  readonly name: string
  readonly protocol: Protocol
  readonly port: number
  /** Its place in spec.ports, from 0; -1: unknown. */
  readonly index: number
  /** A number, or the name of a port of the containers. */
  readonly targetPort: string | number
}

/** Reads a v1 Service; undefined if it is none. */
export function decodeSpec(raw: unknown): ServiceSpec | undefined {
  const { object, problems } = decodeService(raw)
  if (object === undefined) return undefined
  const spec = fields(fields(raw)['spec'])
  const rawPorts = Array.isArray(spec['ports']) ? spec['ports'].map(fields) : []
  // Names are unique within a Service.
  const indexOf = (name: string, port: number): number =>
    rawPorts.findIndex(each => (each['name'] ?? '') === name && each['port'] === port)
  const targetOf = (index: number, port: number): string | number => {
    const target = rawPorts[index]?.['targetPort']
    if (typeof target === 'string' && /^\d+$/.test(target)) return Number(target)
    return typeof target === 'string' || typeof target === 'number' ? target : port
  }
  return {
    type: object.type,
    externalName: object.type === 'ExternalName' ? String(spec['externalName'] ?? '') : '',
    isHeadless: object.clusterIP === 'None',
    ignored: ignoredReason(object),
    selector: textMap(spec['selector']),
    ports: object.ports.map(({ name, protocol, port }) => {
      const index = indexOf(name, port)
      return { name, protocol, port, index, targetPort: targetOf(index, port) }
    }),
    sourceRanges: object.sourceRanges,
    ingress: ingressOf(raw),
    problems,
  }
}

function ingressOf(raw: unknown): string[] {
  const { ingress } = fields(fields(fields(raw)['status'])['loadBalancer'])
  const entries = Array.isArray(ingress) ? ingress.map(fields) : []
  return entries.flatMap(({ ip, hostname }) =>
    [ip, hostname].filter((text): text is string => typeof text === 'string' && text !== ''),
  )
}
