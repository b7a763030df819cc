import { type OwnedChains, HAND_OVER_CHAINS, owns } from '../netfilter/stale-chains.js'
import { hostPort } from '../model/address.js'
import { type RuleTables } from '../netfilter/rule-tables.js'
import { type PacketPath, type RulePlace, type RuleStep, translationOf } from '../netfilter/walk/packet-path.js'
import { ruleLine } from '../netfilter/walk/rule-parts.js'
import { ruleSentence } from '../netfilter/walk/rule-sentence.js'
import { type Walk } from '../netfilter/walk/walk-rules.js'
import { isForEachSender } from './for-each-sender.js'
import { type FoundRule, type WalkOutcome } from './kernel-facts.js'

/** The rules of a family, and whose they are. */
export interface JudgedRules {
  readonly rules: RuleTables
  /** The chains of the mode that serves. */
  readonly chains: OwnedChains
}

/** Hooks in which the destination of a packet is decided. */
const BEFORE_ROUTING = ['PREROUTING', 'OUTPUT']

/**
 * What happens to a packet, from all the ways that it may take: the worst of those that are certain. A way is not certain if a rule
 * on it has a match that only the kernel can answer.
 */
export function judgeWalk({ paths }: Walk, judged: JudgedRules): WalkOutcome {
  const outcomes = paths.map(path => ({ path, outcome: judgePath(path, judged) }))
  const certain = outcomes.filter(({ path }) => path.assumptions.length === 0)
  const bad = certain.find(({ outcome }) => outcome.kind !== 'served')
  if (bad !== undefined) return bad.outcome
  const reached = certain.flatMap(({ outcome }) => (outcome.kind === 'served' ? outcome.to : []))
  if (reached.length > 0) return { kind: 'served', to: [...new Set(reached)] }
  const [first] = outcomes
  if (first !== undefined && outcomes.every(({ outcome }) => outcome.kind === first.outcome.kind)) return first.outcome
  const [assumption] = first?.path.assumptions ?? []
  return {
    kind: 'unknown',
    why: assumption === undefined ? 'no way is known' : `only the kernel can answer "${assumption.unreadable}"`,
  }
}

function judgePath(path: PacketPath, judged: JudgedRules): WalkOutcome {
  const { end, packet } = path
  if (end.kind === 'unknown') return { kind: 'unknown', why: end.reason }
  if (end.kind === 'dropped' || end.kind === 'refused') return stopped(path, end.kind, judged)
  const translation = translationOf(path)
  if (translation?.kind === 'virtual server') return { kind: 'served', to: [hostPort(packet.destination, packet.port)] }
  if (translation !== undefined)
    return isOwn(translation, judged)
      ? { kind: 'served', to: [hostPort(packet.destination, packet.port)] }
      : { kind: 'taken', rule: foundRule(translation, path, judged) }
  const taker = path.steps.find(step => step.kind === 'rule' && takesBefore(step, judged)) as RuleStep | undefined
  return taker === undefined ? { kind: 'untranslated' } : { kind: 'taken', rule: foundRule(taker, path, judged) }
}

/** Whether a rule of another program ends the way of a packet to the rules of the proxy. */
function takesBefore(step: RuleStep, judged: JudgedRules): boolean {
  if (isOwn(step, judged) || !BEFORE_ROUTING.includes(step.hook)) return false
  const { kind } = step.rule.action
  if (kind === 'do not track') return true
  return step.table === 'nat' && (kind === 'accept' || (kind === 'return' && step.chain === step.hook))
}

function stopped(path: PacketPath, how: 'dropped' | 'refused', judged: JudgedRules): WalkOutcome {
  const last = path.steps.findLast(({ kind }) => kind !== 'route')
  switch (last?.kind) {
    case 'rule':
      return { kind: 'stopped', how, isOwn: isOwn(last, judged), rule: foundRule(last, path, judged) }
    case 'virtual server': {
      const sentence = 'IPVS has a virtual server without real servers'
      const place = { table: 'IPVS', chain: last.hook, position: undefined, packets: undefined, isForAll: true }
      return { kind: 'stopped', how, isOwn: true, rule: { ...place, rule: 'virtual server', sentence } }
    }
    case 'policy': {
      const { table, hook, policy } = last
      const sentence = `no rule lets the packet pass, and the policy of the chain is ${policy}`
      const isForAll = isForAllAt({ table, hook, chain: hook, position: Infinity }, path, judged)
      const place = { table, chain: hook, position: undefined, packets: undefined, isForAll }
      return { kind: 'stopped', how, isOwn: false, rule: { ...place, rule: `policy ${policy}`, sentence } }
    }
    case undefined:
    case 'route':
      return { kind: 'unknown', why: 'no rule is known that does it' }
  }
}

function isOwn({ table, chain }: Pick<RuleStep, 'table' | 'chain'>, { chains }: JudgedRules): boolean {
  return owns(chains, table, chain) || owns(HAND_OVER_CHAINS, table, chain)
}

function foundRule(step: RuleStep, path: PacketPath, judged: JudgedRules): FoundRule {
  const { rules } = judged
  const { table, chain, position, args } = step
  return {
    ...{ table, chain, position, rule: ruleLine(step), packets: rules.counter(args)?.packets },
    isForAll: isForAllAt(step, path, judged),
    sentence: ruleSentence(args, name => rules.chain(table, name) !== undefined),
  }
}

/** Whether a rule decides about each sender alike, by the rules of the same hook that have applied. */
function isForAllAt(place: RulePlace, { steps }: PacketPath, judged: JudgedRules): boolean {
  const applied = steps.filter(
    (step): step is RuleStep => step.kind === 'rule' && step.hook === place.hook && step.table === place.table,
  )
  return isForEachSender([...applied, place], judged.rules, (table, chain) => isOwn({ table, chain }, judged))
}
