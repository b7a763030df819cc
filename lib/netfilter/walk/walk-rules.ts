import { type Answer } from './answer.js'
import { applyAction, endsTable } from './apply-action.js'
import { decideCondition } from './decide-condition.js'
import { ARRIVING, BALANCED, DELIVERED, FORWARDED, LOOPED_BACK, SENT, type Stage } from './stage.js'
import { type PacketPath, type PathEnd, type RuleStep } from './packet-path.js'
import { type Hook, type NodeFacts, type Packet, type PacketView } from './packet-view.js'
import { otherHostFilter } from './other-host-filter.js'
import { readRule } from './read-rule.js'
import { type ReadRule } from './rule-condition.js'
import { type Frame, type WalkState, addAssumption, addStep, firstState, listOf } from './walk-state.js'

/** The rules of one IP family. */
export interface WalkedRules {
  /** The rules of a chain, each as its arguments; undefined: there is no such chain. */
  chain(table: string, chain: string): readonly (readonly string[])[] | undefined
  /** The policy of a built-in chain; omitted: ACCEPT everywhere. */
  policy?(table: string, chain: string): string | undefined
}

/** All ways that a packet may take. */
export interface Walk {
  readonly paths: readonly PacketPath[]
  /** Whether no way was left out, because there were too many decisions that cannot be known. */
  readonly isComplete: boolean
}

/** Decisions of one path that cannot be known and are followed both ways. */
const MAX_ASSUMPTIONS = 8
const MAX_PATHS = 50_000
/** The kernel allows no loop of chains; a text may have one. */
const MAX_DEPTH = 64

/**
 * Follows the first packet of a connection through the rules, as netfilter does: hook by hook, table by table, chain by chain. Where the
 * kernel chooses at random, and where a rule has a match that cannot be read, it follows every way.
 */
export function walkRules(rules: WalkedRules, packet: Packet, facts: NodeFacts): Walk {
  return new RuleWalker(rules, facts).walk(firstState(packet, packet.hook === 'OUTPUT' ? SENT : ARRIVING))
}

class RuleWalker {
  readonly #rules: WalkedRules
  readonly #facts: NodeFacts
  readonly #open: WalkState[] = []
  readonly #paths: PacketPath[] = []
  #isComplete = true

  constructor(rules: WalkedRules, facts: NodeFacts) {
    this.#rules = rules
    this.#facts = facts
  }

  walk(start: WalkState): Walk {
    for (let next: WalkState | undefined = start; next !== undefined; next = this.#open.pop())
      for (let state: WalkState | undefined = next; state !== undefined;)
        state = state.frame === undefined ? this.#nextStage(state) : this.#nextRule(state, state.frame)
    return { paths: this.#paths, isComplete: this.#isComplete }
  }

  /** @returns undefined at the end of the way */
  #nextStage(state: WalkState): WalkState | undefined {
    const [stage, ...stages] = state.stages
    const next = { ...state, stages, table: undefined }
    switch (stage?.kind) {
      case 'table':
        return this.#enterTable(next, stage)
      case 'virtual servers':
        return this.#balance(next, stage.hook)
      case 'route in': {
        const routed = this.#route(next)
        return { ...routed, stages: this.#isForNode(routed) ? DELIVERED : FORWARDED }
      }
      case 'route out':
        return this.#route(next, false)
      case 'leave':
        if (!this.#isForNode(state)) return this.#end(next, { kind: 'sent' })
        return { ...next, stages: LOOPED_BACK, packet: { ...state.packet, inInterface: 'lo', outInterface: '' } }
      case 'deliver':
      case undefined:
        return this.#end(next, { kind: 'delivered' })
    }
  }

  #enterTable(state: WalkState, stage: Extract<Stage, { readonly kind: 'table' }>): WalkState {
    const rules = this.#rules.chain(stage.table, stage.hook)
    // Without conntrack nothing is translated.
    if (rules === undefined || (stage.table === 'nat' && !state.packet.isTracked)) return state
    return { ...state, table: stage, frame: { chain: stage.hook, rules, index: 0, depth: 0, caller: undefined } }
  }

  #isForNode({ packet }: WalkState): boolean {
    return this.#facts.isOwnAddress(packet.destination)
  }

  #route(state: WalkState, isStep = true): WalkState {
    const isForNode = this.#isForNode(state)
    const outInterface = isForNode ? 'lo' : this.#facts.interfaceTo(state.packet.destination)
    const packet = { ...state.packet, outInterface: isStep && isForNode ? '' : outInterface }
    return isStep ? addStep({ ...state, packet }, { kind: 'route', isForNode, outInterface }) : { ...state, packet }
  }

  /** IPVS picks a real server. Its packets pass the hooks of the node's own packets, unless it is the node itself. */
  #balance(state: WalkState, hook: Hook): WalkState | undefined {
    const { packet } = state
    const server = this.#facts.findVirtualServer(packet.protocol, packet.destination, packet.port, packet.source)
    if (server === undefined) return state
    const step = { kind: 'virtual server', hook, server, before: packet } as const
    const realServers = server.kept === undefined ? server.realServers : [server.kept]
    if (realServers.length === 0)
      return this.#end(addStep(state, { ...step, after: undefined }), { kind: 'refused', with: 'port-unreachable' })
    const sent = realServers.map(({ address, port }): WalkState => {
      const after = { ...packet, destination: address, port }
      const stages = this.#facts.isOwnAddress(address) ? state.stages : BALANCED
      const probability = state.probability / realServers.length
      return addStep({ ...state, packet: after, stages, probability }, { ...step, after })
    })
    for (const other of sent.slice(1).reverse()) this.#open.push(other)
    return sent[0]
  }

  #nextRule(state: WalkState, frame: Frame): WalkState | undefined {
    const { rules } = frame
    const isForOtherHost = otherHostFilter(state.packet.destination)
    for (let { index } = frame; index < rules.length; index++) {
      const args = rules[index]!
      if (isForOtherHost(args)) continue
      const rule = readRule(args)
      const answer = this.#decide(rule, state.packet)
      if (answer === 'no' || (answer === 'unknown' && rule.action.kind === 'none')) continue
      const passed: WalkState = { ...state, frame: { ...frame, index: index + 1 } }
      const place = { hook: state.table!.hook, table: state.table!.table, chain: frame.chain, position: index + 1 }
      let applied = passed
      if (answer === 'unknown') {
        if (!this.#mayFork(state)) continue
        const assumption = { ...place, args, unreadable: this.#unreadablePart(rule, state.packet) }
        this.#open.push(addAssumption(passed, { ...assumption, applies: false }))
        applied = addAssumption(passed, { ...assumption, applies: true })
      }
      const { chance = 1 } = rule
      if (chance < 1) {
        this.#open.push({ ...applied, probability: applied.probability * (1 - chance) })
        applied = { ...applied, probability: applied.probability * chance }
      }
      return this.#apply(applied, { ...place, args, rule, isAssumed: answer === 'unknown' })
    }
    return this.#leaveChain(state, frame)
  }

  #decide(rule: ReadRule, packet: PacketView): Answer {
    let result: Answer = 'yes'
    for (const condition of rule.conditions) {
      const answer = decideCondition(condition, packet, this.#facts)
      if (answer === 'no') return answer
      if (answer === 'unknown') result = answer
    }
    return result
  }

  #unreadablePart(rule: ReadRule, packet: PacketView): string {
    const unknown = rule.conditions.filter(each => decideCondition(each, packet, this.#facts) === 'unknown')
    return unknown.map(each => (each.kind === 'unreadable' ? each.text : each.kind)).join(', ')
  }

  #mayFork({ assumptionCount }: WalkState): boolean {
    if (assumptionCount < MAX_ASSUMPTIONS && this.#open.length + this.#paths.length < MAX_PATHS) return true
    this.#isComplete = false
    return false
  }

  #apply(state: WalkState, given: Omit<RuleStep, 'kind' | 'before' | 'after'>): WalkState | undefined {
    const { action } = given.rule
    const frame = state.frame!
    const after = applyAction(action, state.packet, this.#facts)
    const next =
      action.kind === 'jump' || action.kind === 'goto' ? this.#rules.chain(given.table, action.chain) : undefined
    const step: RuleStep = { kind: 'rule', ...given, before: state.packet, after }
    const applied = addStep({ ...state, packet: after }, step)
    if (endsTable(action)) return { ...applied, frame: undefined }
    switch (action.kind) {
      case 'drop':
        return this.#end(applied, { kind: 'dropped' })
      case 'reject':
        return this.#end(applied, { kind: 'refused', with: action.with })
      case 'return':
        return this.#leaveChain(applied, frame)
      case 'jump':
      case 'goto':
        if (next === undefined) return this.#leaveUnknown(applied, step, action.chain)
        if (frame.depth === MAX_DEPTH) return this.#end(applied, { kind: 'unknown', reason: 'the chains form a loop' })
        return {
          ...applied,
          frame: {
            chain: action.chain,
            rules: next,
            index: 0,
            depth: frame.depth + 1,
            caller: action.kind === 'jump' ? frame : frame.caller,
          },
        }
      case 'unreadable':
        return this.#leaveUnknown(applied, step, action.name)
      default:
        return applied
    }
  }

  /** A target that cannot be read may take the packet, or let it go on. */
  #leaveUnknown(state: WalkState, step: RuleStep, name: string): WalkState | undefined {
    if (!this.#mayFork(state)) return this.#end(state, { kind: 'unknown', reason: `target ${name}` })
    const { hook, table, chain, position, args } = step
    const assumption = { hook, table, chain, position, args, unreadable: `-j ${name}` }
    this.#end(addAssumption(state, { ...assumption, applies: true }), { kind: 'unknown', reason: `target ${name}` })
    return addAssumption(state, { ...assumption, applies: false })
  }

  /** Goes back to the chain that has led here; from a built-in chain, its policy decides. */
  #leaveChain(state: WalkState, { caller }: Frame): WalkState | undefined {
    if (caller !== undefined) return { ...state, frame: caller }
    const { hook, table } = state.table!
    const policy = this.#rules.policy?.(table, hook) ?? 'ACCEPT'
    if (policy === 'ACCEPT') return { ...state, frame: undefined }
    return this.#end(addStep(state, { kind: 'policy', hook, table, policy }), { kind: 'dropped' })
  }

  #end(state: WalkState, end: PathEnd): undefined {
    const { packet, probability } = state
    this.#paths.push({
      steps: listOf(state.trail),
      end,
      packet,
      probability,
      assumptions: listOf(state.assumptions),
    })
  }
}
