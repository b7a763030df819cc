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
  heal: 'Make well',
  affinity: 'Session affinity',
  internal: 'Internal traffic policy',
  external: 'External traffic policy',
  nodes: 'Node of the Pods',
  mode: 'Proxy mode',
}
const STATES: Readonly<Record<PodState, string>> = {
  running: 'running',
  killed: 'killed; the cluster has not noticed',
  slow: 'slow: answers 800 ms later',
  silent: 'silent: drops packets to its port',
  refusing: 'refusing: resets connections to its port',
}

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
  valueOf: (kind: LeverKind, value: string) => (kind === 'scale' ? count(Number(value), 'Pod', 'Pods') : value),
  leverOf: (kind: LeverKind, value: string) => `${LEVERS[kind]}: ${value}`,
  current: 'now',
  clients: 'Clients',
  client: 'Client',
  asks: 'Asks for',
  last: 'Its last answers',
  noAnswer: (error: string) => `none (${error})`,
  same: 'The same in a real cluster:',
  predict: 'First predict: how many of the next requests get no answer?',
  predictions: { none: 'none', some: 'some', all: 'all' },
  run: 'Run',
  cancel: 'Cancel',
  running: 'It runs …',
  busy: 'The demo is busy with something else: wait for its end.',
  result: 'What happened',
  right: (word: string) => `You were right: ${word}.`,
  wrong: (said: string, was: string) => `You said ${said}; it was ${was}.`,
  requests: (lost: number, all: number) => `${number(lost)} of ${count(all, 'request', 'requests')} got no answer.`,
  answeredBy: 'Answered by',
  lost: 'Lost',
  seenAs: 'The Pods saw it as',
  counted: 'Requests',
  slowest: (ms: number) => `The slowest request took ${number(ms)} ms.`,
  proxy: (connections: number, failed: number, refused: number) =>
    `The proxy counted ${count(connections, 'connection', 'connections')}, ${count(failed, 'failed try', 'failed tries')} at a Pod after which it tried another, and ${count(refused, 'client', 'clients')} that no Pod took.`,
  kernel: 'In this mode the kernel carries connections: the proxy counts none, and cannot try another Pod.',
  failed: (message: string) => `It failed: ${message}`,
}
