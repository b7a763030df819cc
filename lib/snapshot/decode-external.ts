import { type IpAddress, parseIp } from '../model/address.js'
import { type Cidr, parseCidr } from '../model/cidr.js'
import { type ServiceObject } from '../model/objects.js'
import { specialAddress } from '../model/special-address.js'
import { type RawFields, fields, isLocalPolicy, list, optionalPort, quote } from './decoded.js'

/** The fields of a Service for access from outside the cluster. */
export type ExternalFields = Pick<
  ServiceObject,
  'externalPolicyLocal' | 'externalIPs' | 'loadBalancerIPs' | 'sourceRanges' | 'healthCheckNodePort'
>

/** Reads these fields by the rules of kube-proxy (newBaseServiceInfo). ServiceObject documents their meaning. */
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
    // The API server assigns the port, so a manifest without one is no mistake.
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

/** Entries with only a host name are for DNS, not for a proxy. */
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

/** An external address must not be one that the node itself needs, such as loopback. */
function address(value: unknown, path: string, problems: string[]): IpAddress | undefined {
  const ip = parseIp(value)
  const special = ip === undefined ? undefined : specialAddress(ip)
  if (ip !== undefined && special === undefined) return ip
  problems.push(`${path}: ${quote(value)} is ${ip === undefined ? 'not an IP address' : `of kind ${special}`}: ignored`)
  return undefined
}

/** Never wider than configured: an unreadable range admits no client, and does not count as "no ranges". */
function sourceRanges(spec: RawFields, problems: string[]): Cidr[] | undefined {
  const values = list(spec['loadBalancerSourceRanges'], 'spec.loadBalancerSourceRanges', problems)
  if (values.length === 0) return undefined
  const ranges: Cidr[] = []
  for (const [index, value] of values.entries()) {
    const range = typeof value === 'string' ? parseCidr(value.trim()) : undefined
    if (range !== undefined) ranges.push(range)
    else problems.push(`spec.loadBalancerSourceRanges[${index}]: ${quote(value)} is not a CIDR: it admits no client`)
  }
  return ranges
}
