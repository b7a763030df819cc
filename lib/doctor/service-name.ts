import { type ObjectName, objectKey } from '../model/objects.js'
import { ProxyFailure } from '../model/failure.js'
import { closestText } from '../primitives/closest-text.js'
import { quoteValue } from '../primitives/quote-value.js'
import { isObjectName } from '../snapshot/decoded.js'

const KINDS = ['svc', 'service', 'services']
const HINT = 'Use svc/NAME, NAME or NAMESPACE/NAME, such as svc/web; -n names the namespace'

/**
 * The Service that an operator means: `web`, `svc/web`, `shop/web`, `svc/shop/web`.
 * @param namespace of a Service that is named without one
 * @throws ProxyFailure DOCTOR_INVALID
 */
export function serviceName(text: string, namespace: string): ObjectName {
  const parts = text.trim().split('/')
  const kind = KINDS.includes(parts[0]!.toLowerCase()) && parts.length > 1 ? parts.shift() : undefined
  const [first = '', second] = parts
  // `pod/web` would be a Service "web" of a namespace "pod".
  const other = kind === undefined && second !== undefined ? OTHER_KINDS.get(first.toLowerCase()) : undefined
  if (other !== undefined)
    throw new ProxyFailure('DOCTOR_INVALID', `${quoteValue(text)}: the doctor looks at Services, not at ${other}`, {
      hint: HINT,
    })
  const name = second ?? first
  const named = { namespace: second === undefined ? namespace : first, name }
  if (parts.length > 2 || name === '' || !isObjectName(name))
    throw new ProxyFailure('DOCTOR_INVALID', `${quoteValue(text)}: not the name of a Service${suggestion(first)}`, {
      hint: HINT,
    })
  if (!isObjectName(named.namespace))
    throw new ProxyFailure('DOCTOR_INVALID', `${quoteValue(named.namespace)}: not the name of a namespace`, {
      hint: HINT,
    })
  return named
}

/** Words of kubectl for other kinds. */
const OTHER_KINDS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ...{ pod: 'Pods', pods: 'Pods', po: 'Pods', node: 'Nodes', nodes: 'Nodes', no: 'Nodes' },
    ...{ deployment: 'Deployments', deployments: 'Deployments', deploy: 'Deployments' },
    ...{ endpointslice: 'EndpointSlices', endpointslices: 'EndpointSlices', endpoints: 'Endpoints', ep: 'Endpoints' },
    ...{ ingress: 'Ingresses', ing: 'Ingresses', ingresses: 'Ingresses' },
  }),
)

function suggestion(kind: string): string {
  const near = closestText(kind, KINDS)
  return near === undefined || near === kind ? '' : `; did you mean ${near}/NAME?`
}

/** The closest of the names that exist, as `; did you mean "web"?`; empty: none is close. */
export function didYouMean({ namespace, name }: ObjectName, existing: readonly ObjectName[]): string {
  const here = existing.filter(each => each.namespace === namespace).map(each => each.name)
  const elsewhere = existing.find(each => each.name === name && each.namespace !== namespace)
  const near = closestText(name, here) ?? (elsewhere === undefined ? undefined : objectKey(elsewhere))
  return near === undefined ? '' : `; did you mean ${quoteValue(near)}?`
}
