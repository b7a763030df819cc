import { IP_FAMILIES, familyOf } from '../model/address.js'
import {
  type EndpointSliceEndpoint,
  type EndpointSliceObject,
  type ObjectPort,
  type RefusedEndpoint,
} from '../model/objects.js'
import { endpointAddress, isPodReference, triggerTime } from './decode-endpoint-slice.js'
import { type Decoded, fields, list, objectName, text, decodePort } from './decoded.js'

/**
 * Reads a core/v1 Endpoints object (API servers before 1.17, and hand-written manifests) as slices: one per subset and
 * family. All its addresses are ready; `notReadyAddresses` are not read.
 */
export function decodeEndpoints(raw: unknown): Decoded<readonly EndpointSliceObject[]> {
  const problems: string[] = []
  const name = objectName(raw, problems)
  if (name === undefined) return { object: undefined, problems }
  const metadata = fields(fields(raw)['metadata'])
  const slices: EndpointSliceObject[] = []
  for (const [index, subset] of list(fields(raw)['subsets'], 'subsets', problems).entries()) {
    const path = `subsets[${index}]`
    const ports = decodePorts(fields(subset)['ports'], path, problems)
    const refused: RefusedEndpoint[] = []
    const endpoints = decodeAddresses(fields(subset)['addresses'], path, problems, refused)
    for (const family of IP_FAMILIES) {
      const ofFamily = endpoints.filter(endpoint => familyOf(endpoint.ip) === family)
      const refusedOfFamily = refused.filter(({ address }) => familyOf(address) === family)
      if (ofFamily.length === 0 && refusedOfFamily.length === 0) continue
      slices.push({
        namespace: name.namespace,
        name: `${name.name}/${index}/${family}`,
        serviceName: name.name,
        family,
        ports,
        endpoints: ofFamily,
        ...(refusedOfFamily.length > 0 && { refused: refusedOfFamily }),
        triggerTime: triggerTime(metadata),
      })
    }
  }
  return { object: slices, problems }
}

function decodePorts(value: unknown, path: string, problems: string[]): ObjectPort[] {
  return list(value, `${path}.ports`, problems)
    .map((raw, index) => decodePort(raw, `${path}.ports[${index}]`, problems))
    .filter(port => port !== undefined)
}

function decodeAddresses(
  value: unknown,
  path: string,
  problems: string[],
  refused: RefusedEndpoint[],
): EndpointSliceEndpoint[] {
  const endpoints: EndpointSliceEndpoint[] = []
  for (const [index, raw] of list(value, `${path}.addresses`, problems).entries()) {
    const ip = endpointAddress(fields(raw)['ip'], `${path}.addresses[${index}].ip`, problems, refused)
    if (ip === undefined) continue
    const nodeName = text(fields(raw)['nodeName'], `${path}.addresses[${index}].nodeName`, problems)
    const isPod = isPodReference(fields(raw)['targetRef'])
    endpoints.push({
      ip,
      ready: true,
      serving: true,
      terminating: false,
      nodeName,
      isPod,
      zoneHints: [],
      nodeHints: [],
    })
  }
  return endpoints
}
