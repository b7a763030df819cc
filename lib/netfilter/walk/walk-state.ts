import { type Stage } from './stage.js'
import { type Assumption, type WalkStep } from './packet-path.js'
import { type Packet, type PacketView, firstView } from './packet-view.js'

/** A list that paths share up to the point where they part. */
export interface Trail<T> {
  readonly item: T
  readonly before: Trail<T> | undefined
}

/** A chain, and the rule in it that comes next. */
export interface Frame {
  readonly chain: string
  readonly rules: readonly (readonly string[])[]
  readonly index: number
  readonly depth: number
  readonly caller: Frame | undefined
}

/** A packet on its way. */
export interface WalkState {
  readonly packet: PacketView
  /** The stages from the next one on. */
  readonly stages: readonly Stage[]
  /** The table whose rules it meets now. */
  readonly table: Extract<Stage, { readonly kind: 'table' }> | undefined
  readonly frame: Frame | undefined
  readonly trail: Trail<WalkStep> | undefined
  readonly assumptions: Trail<Assumption> | undefined
  readonly assumptionCount: number
  readonly probability: number
}

/** The packet where it enters the kernel. */
export function firstState(packet: Packet, stages: readonly Stage[]): WalkState {
  return {
    packet: firstView(packet),
    stages,
    table: undefined,
    frame: undefined,
    trail: undefined,
    assumptions: undefined,
    assumptionCount: 0,
    probability: 1,
  }
}

/** The packet after a step. */
export function addStep(state: WalkState, step: WalkStep): WalkState {
  return { ...state, trail: { item: step, before: state.trail } }
}

/** The packet on the way that the assumption is about. */
export function addAssumption(state: WalkState, assumption: Assumption): WalkState {
  const { assumptions, assumptionCount } = state
  return { ...state, assumptions: { item: assumption, before: assumptions }, assumptionCount: assumptionCount + 1 }
}

/** The items of a trail, the first one first. */
export function listOf<T>(trail: Trail<T> | undefined): T[] {
  const items: T[] = []
  for (let next = trail; next !== undefined; next = next.before) items.push(next.item)
  return items.reverse()
}
