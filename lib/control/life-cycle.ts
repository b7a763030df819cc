/**
 * The life of a proxy on this node as a state machine. Two generations side by side are the ordinary case of an update: at each
 * moment one of them, or the kernel, serves new clients.
 *
 *     starting ──▶ serving ──▶ leaving ──▶ draining ──▶ ended
 *
 * It is pure: `nextState` says where an event leads, `duties` says what a proxy does in a state.
 */
export const LIFE_STATES = [
  /** Parts start and objects are read. This proxy has written no rule yet. */
  'starting',
  /** This proxy serves, and its rules are in the kernel. */
  'serving',
  /** This proxy must end, but serves new clients until the kernel does. */
  'leaving',
  /** Open connections may end in their own time. Something else serves new clients, if there is anything. */
  'draining',
  /** Nothing is left but to exit. */
  'ended',
] as const

/** One of `LIFE_STATES`. */
export type LifeState = (typeof LIFE_STATES)[number]

/** What can happen to a proxy. */
export const LIFE_EVENTS = [
  /** The rules of every family are in the kernel for the first time. */
  'programmed',
  /** A signal, or a failure that ends the program. */
  'stop',
  /** The kernel serves new clients from now on. */
  'kernel serves',
  /** New clients have been served for as long as possible. */
  'time is over',
  /** The last open connection has ended or was closed. */
  'drained',
] as const

/** One of `LIFE_EVENTS`. */
export type LifeEvent = (typeof LIFE_EVENTS)[number]

/** What a proxy does in a state. */
export interface Duties {
  /** Whether `/readyz` may be 200. */
  readonly isReady: boolean
  /** Whether `/healthz` is 503 in any case, so that load balancers send clients to other nodes. */
  readonly isLeaving: boolean
}

const TRANSITIONS: Readonly<Record<LifeState, Readonly<Partial<Record<LifeEvent, LifeState>>>>> = {
  starting: { programmed: 'serving', stop: 'leaving' },
  serving: { stop: 'leaving' },
  leaving: { 'kernel serves': 'draining', 'time is over': 'draining' },
  draining: { drained: 'ended' },
  ended: {},
}

const DUTIES: Readonly<Record<LifeState, Duties>> = {
  starting: { isReady: false, isLeaving: false },
  serving: { isReady: true, isLeaving: false },
  leaving: { isReady: false, isLeaving: true },
  draining: { isReady: false, isLeaving: true },
  ended: { isReady: false, isLeaving: true },
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
