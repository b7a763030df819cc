import { type FrontendView } from '../../../status/service-view.js'
import { numberFormat } from '../number-format.js'
import { count } from './count.js'

type Action = NonNullable<FrontendView['actions']>['fromPods']

const number = numberFormat('en')

const ACTIONS: Readonly<Record<Action, string>> = {
  cluster: 'to any endpoint',
  local: 'to endpoints of this node',
  'cluster-firewalled': 'to any endpoint, from the source ranges only',
  'local-firewalled': 'to endpoints of this node, from the source ranges only',
  drop: 'dropped: all endpoints are on other nodes',
}

/** Texts of the view of all Services. */
export const SERVICES = {
  title: 'Services',
  about: 'Each port of a Service, and how many of its endpoints get traffic from this node.',
  service: 'Service',
  port: 'Port',
  clusterIP: 'ClusterIP',
  nodePort: 'Node port',
  endpoints: 'Endpoints in use',
  used: (used: number, all: number) => `${number(used)} of ${number(all)}`,
  policy: 'Policy',
  policies: (internal: string, external: string) =>
    internal === external ? internal : `internal ${internal}, external ${external}`,
  affinity: 'Affinity',
  seconds: (seconds: number) => `${number(seconds)} s`,
  notServed: 'Not served',
  addresses: (value: number) => count(value, 'address', 'addresses'),
}

/** Texts of the view of one Service. */
export const SERVICE = {
  title: (namespace: string, name: string) => `Service ${namespace}/${name}`,
  about: 'The addresses of this Service, and each of its endpoints with the reason why traffic goes there or not.',
  all: 'All Services',
  addresses: 'Addresses that clients use',
  address: 'Address',
  kind: 'Kind',
  kindOf: (kind: FrontendView['kind']): string => kind,
  family: 'IP family',
  served: 'Served',
  nodeAddress: (port: number) => `node:${port}`,
  fromPods: 'From Pods',
  fromNode: 'From this node',
  fromOutside: 'From outside',
  action: (action: Action) => ACTIONS[action],
  balancer: (name: string) => `In userspace mode, the next endpoint is chosen by: ${name}.`,
  why: 'Why this Pod?',
  whyAbout: 'An endpoint that is in gets traffic; one that is out gets none.',
  endpoint: 'Endpoint',
  port: 'Port',
  state: 'State',
  in: 'in',
  out: 'out',
  ejected: 'ejected',
  reason: 'Why',
  verdict: ({ text }: { readonly reason: string; readonly text: string }): string => text,
  localToo: (text: string) => `Traffic that must stay on this node: ${text}.`,
  ejectedWhy: (seconds: number) => `It has just failed, and gets no new clients for ${number(seconds)} s.`,
  open: 'Open connections',
  slice: 'EndpointSlice',
}
