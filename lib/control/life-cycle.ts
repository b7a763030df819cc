/**
 * The life of a proxy on this node as a state machine. Two generations side by side are the ordinary case of an update: at each
 * moment one of them, or the kernel, serves new clients, and at most one writes rules.
 *
 *     starting ──▶ waiting ──▶ entering ──▶ serving ──stop──▶ leaving ──▶ draining ──▶ ended
 *                                              │ ▲               │            │          ▲
 *                                successor asks│ ┊successor gone └─────┬──────┘          │
 *                                              ▼ ┊                     ▼ successor asks  │
 *                                          yielding ──▶ standby ──▶ replaced ────────────┘
 *
 * One whose turn has not come stands by at once. When its successor ends, a proxy in standby starts again as a new generation in the
 * same process, with a life cycle of its own.
 * `nextState` and `dutiesOf` are pure: where an event leads, and what a proxy does in a state.
 */
export const LIFE_STATES = [
  /** Parts start and objects are read. */
  'starting',
  /** This proxy knows what to serve, and asks another one that serves to give way. */
  'waiting',
  /** It is this proxy's turn: it opens ports and writes its first rules. */
  'entering',
  /** This proxy serves, and its rules are in the kernel. */
  'serving',
  /** This proxy must end, but serves new clients until something else does. */
  'leaving',
  /** Open connections may end in their own time; the kernel serves new clients, if anything does. */
  'draining',
  /** A successor prepares. This proxy serves new clients with the rules that the kernel has, and writes none. */
  'yielding',
  /** A successor serves. Open connections continue here. */
  'standby',
  /** As in standby, and this proxy must end. */
  'replaced',
  /** Nothing is left but to exit. */
  'ended',
] as const

/** One of `LIFE_STATES`. */
export type LifeState = (typeof LIFE_STATES)[number]

/** What can happen to a proxy. */
export const LIFE_EVENTS = [
  /** The objects of the cluster and the Node are known. */
  'objects known',
  /** No other proxy serves this node any more. */
  'our turn',
  /** The rules of every family are in the kernel for the first time. */
  'programmed',
  /** A signal, or a failure that ends the program. */
  'stop',
  /** The kernel serves new clients from now on. */
  'kernel serves',
  /** New clients have been served for as long as possible. */
  'time is over',
  /** A later proxy asks this one to give way, or serves before the turn of this one has come. */
  'successor asks',
  /** The rules of the successor are in the kernel. */
  'successor serves',
  /** The successor ends. */
  'successor gone',
  /** The last open connection has ended or was closed. */
  'drained',
] as const

/** One of `LIFE_EVENTS`. */
export type LifeEvent = (typeof LIFE_EVENTS)[number]

/** What a proxy does in a state. */
export interface Duties {
  /** Whether the rules in the kernel are this proxy's to write and to remove. */
  readonly ownsRules: boolean
  /** Whether `/readyz` may be 200. */
  readonly isReady: boolean
  /** Whether `/healthz` is 503 in any case, so that load balancers send clients to other nodes. */
  readonly isLeaving: boolean
}

const TRANSITIONS: Readonly<Record<LifeState, Readonly<Partial<Record<LifeEvent, LifeState>>>>> = {
  starting: { 'objects known': 'waiting', 'successor asks': 'standby', stop: 'replaced' },
  waiting: { 'our turn': 'entering', 'successor asks': 'standby', stop: 'replaced' },
  entering: { programmed: 'serving', 'successor asks': 'yielding', stop: 'leaving' },
  serving: { 'successor asks': 'yielding', stop: 'leaving' },
  leaving: { 'kernel serves': 'draining', 'time is over': 'draining', 'successor asks': 'replaced' },
  draining: { 'successor asks': 'replaced', drained: 'ended' },
  yielding: { 'successor serves': 'standby', 'successor gone': 'standby', stop: 'replaced' },
  standby: { stop: 'replaced' },
  replaced: { drained: 'ended' },
  ended: {},
}

const DUTIES: Readonly<Record<LifeState, Duties>> = {
  starting: { ownsRules: false, isReady: false, isLeaving: false },
  waiting: { ownsRules: false, isReady: false, isLeaving: false },
  entering: { ownsRules: true, isReady: false, isLeaving: false },
  serving: { ownsRules: true, isReady: true, isLeaving: false },
  leaving: { ownsRules: true, isReady: false, isLeaving: true },
  draining: { ownsRules: true, isReady: false, isLeaving: true },
  // Probes ask this proxy until the successor serves: a 503 would have the kubelet end the Pod that serves.
  yielding: { ownsRules: false, isReady: true, isLeaving: false },
  standby: { ownsRules: false, isReady: false, isLeaving: false },
  replaced: { ownsRules: false, isReady: false, isLeaving: true },
  ended: { ownsRules: false, isReady: false, isLeaving: true },
}

/** The state after an event. An event without a meaning in a state, such as a second signal, changes nothing. */
export function nextState(state: LifeState, event: LifeEvent): LifeState {
  return TRANSITIONS[state][event] ?? state
}

/** What a proxy does in a state. */
export function dutiesOf(state: LifeState): Duties {
  return DUTIES[state]
}

/** The state of one proxy. */
export class LifeCycle {
  #state: LifeState = 'starting'

  get state(): LifeState {
    return this.#state
  }

  get duties(): Duties {
    return dutiesOf(this.#state)
  }

  /** Takes an event; see `nextState`. */
  handle(event: LifeEvent): void {
    this.#state = nextState(this.#state, event)
  }
}
