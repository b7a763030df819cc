import { type LeverKind, type PodState } from '../../../demo-page/demo-document.js'
import { numberFormat } from '../number-format.js'
import { count } from './count.js'

const number = numberFormat('en')

const LEVERS: Readonly<Record<LeverKind, string>> = {
  scale: 'Scale',
  kill: 'Kill',
  replace: 'Let the cluster notice',
  slow: 'Make slow',
  silent: 'Make silent',
  refuse: 'Make refuse',
  heal: 'Restore',
  affinity: 'Session affinity',
  internal: 'Internal traffic policy',
  external: 'External traffic policy',
  nodes: 'Node of the Pods',
  mode: 'Proxy mode',
  api: 'API server',
}
const API = new Map([
  ['there', 'reachable'],
  ['away', 'away'],
])
const STATES: Readonly<Record<PodState, string>> = {
  running: 'running',
  killed: 'killed; the cluster has not noticed',
  slow: 'slow: answers 800 ms later',
  silent: 'silent: drops packets to its port',
  refusing: 'refusing: resets connections to its port',
}

const IN_THE_POD = 'The command needs the program in the container, and the capability NET_ADMIN.'
/** How a command in a real cluster differs from what the demo does; the others do the same. */
const DIFFERENCES: ReadonlyMap<LeverKind, string> = new Map([
  [
    'replace',
    'In a real cluster, the node controller or the kubelet notices after a while; the command only shows it. In the demo, this happens when you press Run.',
  ],
  ['slow', `The command delays every packet of the Pod. The demo delays only its answers to requests. ${IN_THE_POD}`],
  ['silent', IN_THE_POD],
  ['refuse', IN_THE_POD],
  ['heal', IN_THE_POD],
  [
    'nodes',
    'In a real cluster, this starts new Pods with new addresses. The demo only says in the EndpointSlice that the Pods are on that Node.',
  ],
  [
    'mode',
    'In a real cluster, change the mode in the configuration of kube-proxy, and restart it. The demo kills the proxy and starts another one.',
  ],
  [
    'api',
    'The command has the kubelet of a control plane stop or start the API server. That of the demo resets all connections and refuses new ones. Try it together with another change: the proxy learns of that when the API server is back.',
  ],
])

/** Texts of the view that changes the cluster. */
export const LEVERS_VIEW = {
  title: 'Levers',
  about:
    'Change the cluster of the demo, and see what its clients meet. Choose a lever, say what you expect, then run it.',
  cluster: 'Service and proxy',
  pods: 'Pods',
  pod: 'Pod',
  address: 'Address',
  state: 'State',
  stateOf: (state: PodState) => STATES[state],
  change: 'Change',
  kind: (kind: LeverKind) => LEVERS[kind],
  valueOf: (kind: LeverKind, value: string) =>
    kind === 'scale' ? count(Number(value), 'Pod', 'Pods') : kind === 'api' ? API.get(value)! : value,
  leverOf: (kind: LeverKind, value: string) => `${LEVERS[kind]}: ${value}`,
  clients: 'Clients',
  client: 'Client',
  asks: 'Asks for',
  last: 'Its last answers',
  noAnswer: (error: string) => `none (${error})`,
  same: 'The same in a real cluster:',
  similar: 'Similar in a real cluster:',
  differs: (kind: LeverKind) => DIFFERENCES.get(kind),
  predict: 'First predict: how many of the requests after the change get no answer?',
  predictions: { none: 'none', some: 'some', all: 'all' },
  run: 'Run',
  cancel: 'Cancel',
  running: 'It runs …',
  busy: 'The demo is busy with something else: wait for its end.',
  result: 'What happened',
  right: (word: string) => `You were right: ${word}.`,
  wrong: (said: string, was: string) => `You said ${said}; it was ${was}.`,
  requests: (lost: number, all: number) =>
    `${number(lost)} of ${count(all, 'request', 'requests')} after the change got no answer.`,
  during: (lost: number, all: number) =>
    `Before and during the change: ${number(lost)} of ${count(all, 'request', 'requests')} got no answer. They do not count for the prediction.`,
  answeredBy: 'Answered by',
  seenAs: 'The Pods saw it as',
  counted: 'Requests',
  slowest: (ms: number) => `The slowest request took ${number(ms)} ms.`,
  proxy: (connections: number, failed: number, refused: number) =>
    `Since the change began, the proxy counted ${count(connections, 'connection', 'connections')}, ${count(failed, 'failed try', 'failed tries')} at a Pod after which it tried another, and ${count(refused, 'client', 'clients')} that no Pod took.`,
  uncounted: {
    'in-kernel': 'In this mode the kernel carries connections: the proxy counts none, and cannot try another Pod.',
    'not-known': 'The proxy did not answer: what it has counted is not known.',
  },
  failed: 'It failed:',
}
