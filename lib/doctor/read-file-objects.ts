import { type ObjectName } from '../model/objects.js'
import { type RawFields, fields } from '../snapshot/decoded.js'
import { readRawManifests } from '../source/read-raw-manifests.js'
import { type PodFacts, decodePod } from './decode-pod.js'
import { decodeSpec } from './decode-spec.js'
import { type ObjectFacts } from './doctor-facts.js'
import { seen, unseen } from './seen.js'
import { viewObjects } from './view-objects.js'

const KINDS = ['Service', 'EndpointSlice', 'Endpoints', 'Node', 'Pod']

/**
 * Reads the Service, its slices and its Pods from files, such as `kubectl get services,endpointslices,pods,nodes -A -o yaml` writes.
 * @throws ProxyFailure MANIFEST_INVALID
 */
export async function readFileObjects(
  paths: readonly string[],
  name: ObjectName,
  nodeName: string,
): Promise<ObjectFacts> {
  const objects = await readRawManifests(paths, KINDS)
  const ofKind = (kind: string): readonly RawFields[] => objects.filter(object => object['kind'] === kind)
  const origin = `The manifest ${paths.join(', ')}`
  const services = ofKind('Service')
  const raw = services.find(service => isNamed(service, name))
  const service = raw && decodeSpec(raw)
  const existing = services.map(nameOf)
  if (raw === undefined || service === undefined)
    return {
      origin,
      isFromFiles: true,
      service: undefined,
      existing,
      ports: [],
      endpoints: [],
      pods: unseen('there is no Service'),
    }
  const slices = ofKind('EndpointSlice').filter(slice => serviceOf(slice) === name.name && isIn(slice, name.namespace))
  const endpoints = ofKind('Endpoints').filter(each => isNamed(each, name))
  const pods = ofKind('Pod').map(decodePod)
  const views = viewObjects({ services: [raw], slices, endpoints, nodes: ofKind('Node') }, nodeName)
  return {
    origin,
    isFromFiles: true,
    service,
    existing,
    pods: podsOf(pods, service.selector, name.namespace),
    ...views,
  }
}

function podsOf(
  all: readonly PodFacts[],
  selector: ReadonlyMap<string, string>,
  namespace: string,
): ObjectFacts['pods'] {
  if (selector.size === 0) return unseen('the Service has no selector')
  if (all.length === 0) return unseen('the manifests have no Pod')
  const here = all.filter(pod => pod.namespace === namespace)
  const isMatched = ({ labels }: PodFacts): boolean => [...selector].every(([key, value]) => labels.get(key) === value)
  const matching = here.filter(isMatched)
  return seen({ matching, others: matching.length > 0 ? [] : here })
}

function nameOf(raw: RawFields): ObjectName {
  const { namespace, name } = fields(raw['metadata'])
  return {
    namespace: typeof namespace === 'string' && namespace !== '' ? namespace : 'default',
    name: typeof name === 'string' ? name : '',
  }
}

function isNamed(raw: RawFields, { namespace, name }: ObjectName): boolean {
  return nameOf(raw).name === name && isIn(raw, namespace)
}

function isIn(raw: RawFields, namespace: string): boolean {
  return nameOf(raw).namespace === namespace
}

function serviceOf(slice: RawFields): unknown {
  return fields(fields(slice['metadata'])['labels'])['kubernetes.io/service-name']
}
