import { type ConnectionView } from '../status/connection-view.js'
import { type HappeningView } from '../status/happening-view.js'
import { type FrontendView } from '../status/service-view.js'

type Action = NonNullable<FrontendView['actions']>['fromPods']
type Happened = HappeningView['what']
type End = NonNullable<ConnectionView['end']>

const number = new Intl.NumberFormat('en')

function count(value: number, thing: string): string {
  return `${number.format(value)} ${thing}${value === 1 ? '' : 's'}`
}

/** How a connection ended, and who ended it. */
const ENDS: ReadonlyMap<End, string> = new Map<End, string>([
  ['closed', 'closed by both sides'],
  ['reset-by-client', 'reset by the client'],
  ['reset-by-endpoint', 'reset by the Pod'],
  ['ended-by-proxy', 'ended by the proxy'],
  ['refused', 'refused: no Pod took it'],
  ['client-left', 'the client left before a Pod took it'],
  ['flow-ended', 'no more datagrams'],
])

/** What has happened to a client or an endpoint. */
const HAPPENED: ReadonlyMap<Happened, string> = new Map<Happened, string>([
  ['opened', 'connection opened'],
  ['retried', 'another Pod tried'],
  ['refused', 'client refused'],
  ['ended', 'connection ended'],
  ['ejected', 'Pod failed'],
])

const ACTIONS: ReadonlyMap<Action, string> = new Map<Action, string>([
  ['cluster', 'to any endpoint'],
  ['local', 'to endpoints of this node'],
  ['cluster-firewalled', 'to any endpoint, from the source ranges only'],
  ['local-firewalled', 'to endpoints of this node, from the source ranges only'],
  ['drop', 'dropped: all endpoints are on other nodes'],
])

/** All texts of the page in one language, except for those that the proxy answers with. */
export const TEXTS = {
  locale: 'en',
  program: 'kube-proxy',
  skip: 'Skip to the content',
  sections: 'Sections',
  loading: 'The proxy is asked …',
  nothing: 'There is none.',
  noMatch: 'Nothing matches the filter.',
  filter: 'Filter',
  filterKey: 'Press / to jump here, Escape to empty it',
  showMore: (count: number) => `Show ${number.format(count)} more`,
  rows: (shown: number, matching: number, all: number) =>
    shown === all
      ? count(all, 'row')
      : `${shown === matching ? count(shown, 'row') : `The first ${number.format(shown)} of ${count(matching, 'row')}`}${
          matching === all ? '' : ` that match, of ${number.format(all)}`
        }`,
  yes: 'yes',
  no: 'no',
  none: '–',
  number: (value: number) => number.format(value),
  node: (name: string) => `Node ${name}`,
  mode: (name: string) => `${name} mode`,
  healthy: 'healthy',
  unhealthy: 'unhealthy',
  live: 'live',
  notLive: 'no live events',
  glance: {
    services: 'Services',
    withoutEndpoints: 'Ports without endpoints',
    open: 'Open connections',
    total: 'Connections so far',
    refused: 'Refused',
    kernel: 'Connections (carried by the kernel)',
    lastSync: 'Last sync',
  },
  noAnswer: (reason: string) => `The proxy does not answer: ${reason}. The page goes on asking.`,
  tooLate: (seconds: number) => `no answer within ${number.format(seconds)} s`,
  notCurrent: (time: string, reason: string) => `This is the answer of ${time}. The last question got none: ${reason}.`,
  signIn: {
    title: 'This page asks for its token',
    how: 'Ask for a link with the token, and open the link in this browser. It works once, within 5 minutes:',
    // Process arguments are readable for all users: curl reads the header from standard input.
    command: (origin: string) => `(printf 'Authorization: Bearer '; cat TOKEN-FILE) | curl -H @- ${origin}/link`,
  },
  unknownPage: 'There is no such view.',
  services: {
    title: 'Services',
    about: 'Each port of a Service, and how many of its endpoints get traffic from this node.',
    service: 'Service',
    port: 'Port',
    clusterIP: 'ClusterIP',
    nodePort: 'Node port',
    endpoints: 'Endpoints in use',
    used: (used: number, all: number) => `${number.format(used)} of ${number.format(all)}`,
    policy: 'Policy',
    policies: (internal: string, external: string) =>
      internal === external ? internal : `internal ${internal}, external ${external}`,
    affinity: 'Affinity',
    seconds: (seconds: number) => `${number.format(seconds)} s`,
    notServed: 'Not served',
    addresses: (value: number) => (value === 1 ? '1 address' : `${number.format(value)} addresses`),
  },
  service: {
    title: (namespace: string, name: string) => `Service ${namespace}/${name}`,
    about: 'The addresses of this Service, and each of its endpoints with the reason why traffic goes there or not.',
    all: 'All Services',
    addresses: 'Addresses that clients use',
    address: 'Address',
    kind: 'Kind',
    family: 'IP family',
    served: 'Served',
    nodeAddress: (port: number) => `node:${port}`,
    fromPods: 'From Pods',
    fromNode: 'From this node',
    fromOutside: 'From outside',
    action: (action: Action) => ACTIONS.get(action) ?? action,
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
    localToo: (text: string) => `Traffic that must stay on this node: ${text}.`,
    ejectedWhy: (seconds: number) => `It has just failed, and gets no new clients for ${number.format(seconds)} s.`,
    open: 'Open connections',
    slice: 'EndpointSlice',
  },
  listeners: {
    title: 'Who listens where',
    about:
      'The sockets of the proxy. No interface has a ClusterIP: rules lead packets from the addresses of a Service to its socket.',
    socket: 'Socket',
    notOpen: 'not open yet',
    state: 'State',
    listening: 'listening',
    closed: 'closed',
    service: 'Service port',
    frontends: 'Addresses that lead here',
    why: 'Why',
    processes: 'Processes',
    process: (worker: number | null, pid: number, open: number) =>
      `${worker === null ? 'control process' : `worker ${worker}`} (${pid}): ${number.format(open)} open`,
  },
  connections: {
    title: 'Connections',
    about: 'TCP connections and UDP flows through the sockets of the proxy: open now, and the last 50 that ended.',
    open: 'Open',
    ended: 'The last 50 that ended',
    client: 'Client',
    service: 'Service port',
    endpoint: 'Pod',
    opened: 'Opened',
    endedAt: 'Ended',
    lasted: 'Lasted',
    state: 'State',
    dialling: 'connecting',
    isOpen: 'open',
    how: 'How it ended',
    end: (end: End | null) => (end === null ? '' : (ENDS.get(end) ?? end)),
    tries: 'Pods tried',
    toEndpoint: 'Bytes to Pod',
    toClient: 'Bytes to client',
  },
  rules: {
    title: 'Rules',
    about:
      'What the proxy has written into the kernel, in order, with what each rule does and how many packets it has met.',
    rule: 'Rule',
    place: 'Table and chain',
    position: 'No.',
    packets: 'Packets',
    bytes: 'Bytes',
  },
  timeLine: {
    title: 'Time line',
    about:
      'Syncs of rules that the proxy remembers; and, while this page is visible, failed Pods, refused clients and ended connections.',
    at: 'Time',
    what: 'What',
    details: 'Details',
    sync: 'sync',
    syncFailed: 'sync failed',
    happened: (what: Happened) => HAPPENED.get(what) ?? what,
    problem: 'problem',
    syncDetails: (family: string, extent: string, ms: number | null, written: number) =>
      `${family}, ${extent}${ms === null ? '' : `, ${number.format(ms)} ms`}, ${number.format(written)} rules written`,
    changed: (names: readonly string[], count: number) =>
      count === 0
        ? ''
        : `About ${names.join(', ')}${count > names.length ? `, and ${number.format(count - names.length)} more` : ''}`,
    ejected: (endpoint: string, service: string, seconds: number) =>
      `${endpoint} of ${service} gets no new clients for ${number.format(seconds)} s`,
    endedOf: (service: string, how: string) => `${service}: ${how}`,
    because: (service: string, endpoint: string | null, why: string) =>
      `${service}${endpoint === null ? '' : `, ${endpoint}`}: ${why}`,
    times: (value: number, text: string) => (value === 1 ? text : `${number.format(value)} × ${text}`),
    sampled: 'There was more: a busy process reports a part of it.',
  },
} as const
