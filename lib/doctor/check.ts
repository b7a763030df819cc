import { type DoctorFacts } from './doctor-facts.js'

/** What a finding is about. Programs may rely on these codes. */
export type FindingCode =
  | 'no-such-service'
  | 'no-cluster-ip'
  | 'selector-matches-nothing'
  | 'pods-not-ready'
  | 'port-name-mismatch'
  | 'no-endpoint'
  | 'nothing-listens'
  | 'endpoint-silent'
  | 'policy-local'
  | 'source-ranges'
  | 'address-not-served'
  | 'no-rule'
  | 'other-rule-first'
  | 'no-listener'
  | 'proxy-unhealthy'
  | 'affinity-pins'
  | 'name-not-resolvable'
  | 'node-port-not-here'
  | 'load-balancer-pending'
  | 'firewall-drops'
  | 'conntrack-full'

/** What a check has found. */
export type CheckResult =
  | {
      readonly kind: 'finding'
      /** What is wrong, in one sentence without full stop. */
      readonly verdict: string
      /** The actual values that show it. */
      readonly proof: readonly string[]
      /** What to do: commands, or a sentence. */
      readonly fix: readonly string[]
      /** Whether it leaves other ways to the Service: findings that leave none come first. Such a one explains no other. */
      readonly isPartial?: boolean
    }
  /** Worth knowing, and perhaps as it should be: no fault. */
  | { readonly kind: 'remark'; readonly text: string }
  /** Looked at, and fine. */
  | { readonly kind: 'fine'; readonly text: string }
  /** Could not be looked at. */
  | { readonly kind: 'unseen'; readonly why: string; readonly isEssential?: boolean }
  /** The Service has nothing of this kind. */
  | { readonly kind: 'irrelevant' }

/** One question about a Service. It decides by facts alone. */
export interface Check {
  readonly code: FindingCode
  /** What is looked at, as the start of a line: `Selector`. */
  readonly title: string
  /** Whether a Service whose check could not look cannot be called healthy. */
  readonly isEssential?: true
  /** Findings that explain this one: with one of them, it says nothing new. */
  readonly follows?: readonly FindingCode[]
  look(facts: DoctorFacts): CheckResult
}

/** There is nothing of this kind to look at. */
export const IRRELEVANT: CheckResult = { kind: 'irrelevant' }

/** All is well. */
export function fine(text: string): CheckResult {
  return { kind: 'fine', text }
}

/** It cannot be looked at. @param isEssential whether the Service cannot be called healthy without */
export function cannotLook(why: string, isEssential = false): CheckResult {
  return { kind: 'unseen', why, isEssential }
}

/** It may be a fault or meant to be so: only the operator knows. */
export function remark(text: string): CheckResult {
  return { kind: 'remark', text }
}

/** Something is wrong, and other ways to the Service work. */
export function partialFinding(verdict: string, proof: readonly string[], fix: readonly string[]): CheckResult {
  return { kind: 'finding', verdict, proof, fix, isPartial: true }
}

/** Something is wrong. */
export function finding(verdict: string, proof: readonly string[], fix: readonly string[]): CheckResult {
  return { kind: 'finding', verdict, proof, fix }
}
