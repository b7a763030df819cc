import { type BalancedServer, type Hook, type PacketView } from './packet-view.js'
import { type ReadRule } from './rule-condition.js'

/** Where a rule stands. */
export interface RulePlace {
  readonly hook: Hook
  readonly table: string
  readonly chain: string
  /** Counts from 1. */
  readonly position: number
}

/** A rule that applied to the packet. */
export interface RuleStep extends RulePlace {
  readonly kind: 'rule'
  readonly args: readonly string[]
  readonly rule: ReadRule
  /** Whether it cannot be known that the rule applies. */
  readonly isAssumed: boolean
  readonly before: PacketView
  readonly after: PacketView
}

/** IPVS has picked a real server. */
export interface VirtualServerStep {
  readonly kind: 'virtual server'
  readonly hook: Hook
  readonly server: BalancedServer
  readonly before: PacketView
  /** Undefined if the virtual server has none. */
  readonly after: PacketView | undefined
}

/** What happened to a packet on its way. */
export type WalkStep =
  | RuleStep
  /** No rule of a built-in chain decided, and its policy is not ACCEPT. */
  | { readonly kind: 'policy'; readonly hook: Hook; readonly table: string; readonly policy: string }
  | VirtualServerStep
  /** The kernel has decided between the node itself and an interface. */
  | { readonly kind: 'route'; readonly isForNode: boolean; readonly outInterface: string | undefined }

/** A decision that cannot be known, and what the path takes it to be. */
export interface Assumption extends RulePlace {
  readonly args: readonly string[]
  /** What of the rule cannot be read. */
  readonly unreadable: string
  readonly applies: boolean
}

/** How the way of a packet ends. */
export type PathEnd =
  /** A socket of the node gets it, if there is one. */
  | { readonly kind: 'delivered' }
  /** It leaves the node. */
  | { readonly kind: 'sent' }
  | { readonly kind: 'dropped' }
  | { readonly kind: 'refused'; readonly with: string }
  /** Something takes it that cannot be read. */
  | { readonly kind: 'unknown'; readonly reason: string }

/** One way of a packet: one result of each random choice, and of each decision that cannot be known. */
export interface PacketPath {
  readonly steps: readonly WalkStep[]
  readonly end: PathEnd
  /** The packet at the end. */
  readonly packet: PacketView
  /** The probability of its random choices. */
  readonly probability: number
  readonly assumptions: readonly Assumption[]
}

/** The step that translated the destination, if one did. */
export function translationOf({ steps }: Pick<PacketPath, 'steps'>): RuleStep | VirtualServerStep | undefined {
  return steps.findLast(
    step =>
      step.kind === 'virtual server' ||
      (step.kind === 'rule' && ['translate destination', 'redirect'].includes(step.rule.action.kind)),
  ) as RuleStep | VirtualServerStep | undefined
}

/** The step that translated the source, if one did. */
export function sourceTranslationOf({ steps }: Pick<PacketPath, 'steps'>): RuleStep | undefined {
  return steps.findLast(step => step.kind === 'rule' && step.rule.action.kind === 'translate source') as
    RuleStep | undefined
}
