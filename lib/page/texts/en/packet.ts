import { type ExplainedStep, type WayEnd } from '../../../explain/explanation.js'
import { numberFormat } from '../number-format.js'
import { count } from './count.js'

const number = numberFormat('en')

const STEPS: Readonly<Record<ExplainedStep['kind'], string>> = {
  rule: 'Rule',
  policy: 'Policy of the chain',
  route: 'Routing',
  'virtual-server': 'Virtual server of IPVS',
  listener: 'Socket of kube-proxy',
  pick: 'Choice of kube-proxy',
  connection: 'Connection of kube-proxy',
}

const ENDS: Readonly<Record<WayEnd, string>> = {
  endpoint: 'to an endpoint',
  'proxy-port': 'to a proxy port',
  node: 'to the node itself',
  elsewhere: 'to another host',
  dropped: 'dropped',
  refused: 'refused',
  reset: 'reset by the proxy',
  unknown: 'not known',
}

/** Texts of the view of one packet. */
export const PACKET = {
  title: 'One packet',
  about:
    'Choose who sends, and where to. You see where the first packet of a connection goes, rule by rule, and why. The counters are live.',
  from: 'From',
  senders: { pod: 'a Pod', node: 'this node', outside: 'a host outside', address: 'whatever has the address' },
  address: 'Address of the sender',
  anyAddress: 'any',
  to: 'To',
  toExample: 'default/web:80 or 10.96.0.10:80',
  follow: 'Follow the packet',
  followFrom: (client: string) => `Follow a packet of ${client}`,
  followTo: (address: string) => `Follow a packet to ${address}`,
  column: 'One packet',
  link: 'follow',
  how: 'How the packet goes',
  then: 'And then',
  thenTo: (end: string) => `And then: ${end}`,
  way: 'Show the way',
  wayTo: (end: WayEnd, endpoint: string | null, odds: string) => `${endpoint ?? ENDS[end]} (${odds})`,
  end: (end: WayEnd, endpoint: string | null) => endpoint ?? ENDS[end],
  percent: (value: number) => new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 }).format(value),
  step: (kind: ExplainedStep['kind']) => STEPS[kind],
  position: (value: number) => `no. ${number(value)}`,
  packets: (value: number) => count(value, 'packet'),
  risen: (value: number) => `+${number(value)} since you opened this view`,
  justRisen: 'just counted',
  packet: 'Packet',
  before: 'before',
  after: 'after',
  assumed: 'It is unknown whether it applies.',
  why: 'Why this Pod?',
  socket: 'Socket',
  holder: (worker: number | null, pid: number, open: number) =>
    `${worker === null ? 'control process' : `worker ${worker}`} (process ${pid}), ${number(open)} open`,
  policy: 'Policy',
  affinity: 'Affinity',
  pick: 'Pick',
  candidates: 'Candidates',
  odds: 'Odds',
  turn: 'Turn',
  next: 'next',
  nextIn: (workers: readonly number[]) => `next in worker ${workers.join(', ')}`,
  kept: 'this client keeps it',
  ejectedFor: (seconds: number) => `ejected for ${number(seconds)} s, because it failed`,
  back: 'How the answer comes back',
  notes: 'Notes',
  inModes: 'The same packet in each mode',
  aboutModes:
    'The mode that serves now is shown as it is. The others are planned for this Service alone: that is what they would have on this node.',
  mode: (name: string) => `${name} mode`,
  servesNow: 'serves now',
  planned: 'planned',
}
