import { type IpAddress, parseIp } from '../model/address.js'
import { type Cidr, parseCidr } from '../model/cidr.js'
import { type ServiceObject } from '../model/objects.js'
import { specialAddress } from '../model/special-address.js'
import { type RawFields, fields, isLocalPolicy, list, optionalPort, quote } from './decoded.js'

/** The fields of a Service that say how it is reached from outside the cluster. */
export type ExternalFields = Pick<
  ServiceObject,
  'externalPolicyLocal' | 'externalIPs' | 'loadBalancerIPs' | 'sourceRanges' | 'healthCheckNodePort'
>

/** Reads them; see ServiceObject for what they mean, services-and-endpoints.md section 3 for the rules. */
export function decodeExternal(raw: unknown, spec: RawFields, type: string, problems: string[]): ExternalFields {
  const externalIPs = externalAddresses(spec, problems)
  const isExternal = type === 'NodePort' || type === 'LoadBalancer'
  const local = isLocalPolicy(spec['externalTrafficPolicy'], 'spec.externalTrafficPolicy', problems)
  const externalPolicyLocal = local && (isExternal || externalIPs.length > 0)
  return {
    externalPolicyLocal,
    externalIPs,
    loadBalancerIPs: type === 'LoadBalancer' ? loadBalancerAddresses(raw, problems) : [],
    sourceRanges: type === 'LoadBalancer' ? sourceRanges(spec, problems) : undefined,
    // None is no mistake in a manifest: it is the API server that gives one.
    healthCheckNodePort:
      type === 'LoadBalancer' && externalPolicyLocal
        ? optionalPort(spec['healthCheckNodePort'], 'spec.healthCheckNodePort', problems)
        : 0,
  }
}

function externalAddresses(spec: RawFields, problems: string[]): IpAddress[] {
  return list(spec['externalIPs'], 'spec.externalIPs', problems)
    .map((value, index) => address(value, `spec.externalIPs[${index}]`, problems))
    .filter(ip => ip !== undefined)
}

/** Entries that have only a host name are for DNS, not for us. */
function loadBalancerAddresses(raw: unknown, problems: string[]): IpAddress[] {
  const path = 'status.loadBalancer.ingress'
  const addresses: IpAddress[] = []
  for (const [index, entry] of list(
    fields(fields(fields(raw)['status'])['loadBalancer'])['ingress'],
    path,
    problems,
  ).entries()) {
    const { ip, ipMode } = fields(entry)
    if (ip === undefined || ip === null || ip === '' || ipMode === 'Proxy') continue
    const parsed = address(ip, `${path}[${index}].ip`, problems)
    if (parsed !== undefined) addresses.push(parsed)
  }
  return addresses
}

/** An address of the outside that is led into the cluster must not be one that the node itself needs. */
function address(value: unknown, path: string, problems: string[]): IpAddress | undefined {
  const ip = parseIp(value)
  const special = ip === undefined ? undefined : specialAddress(ip)
  if (ip !== undefined && special === undefined) return ip
  problems.push(`${path}: ${quote(value)} is ${ip === undefined ? 'not an IP address' : `of kind ${special}`}: ignored`)
  return undefined
}

/** Never wider than asked for: a range that cannot be read lets nobody in, and does not count as "no ranges". */
function sourceRanges(spec: RawFields, problems: string[]): Cidr[] | undefined {
  const values = list(spec['loadBalancerSourceRanges'], 'spec.loadBalancerSourceRanges', problems)
  if (values.length === 0) return undefined
  const ranges: Cidr[] = []
  for (const [index, value] of values.entries()) {
    const range = typeof value === 'string' ? parseCidr(value.trim()) : undefined
    if (range !== undefined) ranges.push(range)
    else
      problems.push(`spec.loadBalancerSourceRanges[${index}]: ${quote(value)} is not a range: nobody is let in by it`)
  }
  return ranges
}
