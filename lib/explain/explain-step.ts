import { hostPort } from '../model/address.js'
import { type RuleTables } from '../netfilter/rule-tables.js'
import { type RuleStep, type VirtualServerStep, type WalkStep } from '../netfilter/walk/packet-path.js'
import { type PacketView } from '../netfilter/walk/packet-view.js'
import { ruleSentence } from '../netfilter/walk/rule-sentence.js'
import { ruleLine } from '../netfilter/walk/rule-parts.js'
import { type ExplainedStep, type PacketEnds } from './explanation.js'

/** A step without a rule. */
export function plainStep(
  kind: ExplainedStep['kind'],
  sentence: string,
  more: Partial<ExplainedStep> = {},
): ExplainedStep {
  return {
    kind,
    ...{ hook: null, table: null, chain: null, position: null, rule: null, packets: null, bytes: null },
    sentence,
    ...{ before: null, after: null, isAssumed: false },
    ...more,
  }
}

/** A step of the packet's way through the kernel, in words. */
export function explainStep(step: WalkStep, rules: RuleTables): ExplainedStep {
  switch (step.kind) {
    case 'rule':
      return explainRule(step, rules)
    case 'policy':
      return plainStep(
        'policy',
        `No rule of ${step.hook} has decided, and the policy of the chain is ${step.policy}.`,
        {
          hook: step.hook,
          table: step.table,
          chain: step.hook,
        },
      )
    case 'route':
      return plainStep('route', routeSentence(step))
    case 'virtual server': {
      const { before, after, hook } = step
      return plainStep('virtual-server', serverSentence(step), { hook, ...changeOf(before, after ?? before) })
    }
  }
}

function serverSentence({ before, after, server }: VirtualServerStep): string {
  const place = `IPVS has a virtual server at ${hostPort(before.destination, before.port)}`
  if (after === undefined) return `${place} without real servers: it refuses.`
  const target = hostPort(after.destination, after.port)
  if (server.kept !== undefined)
    return `${place} with persistence: ${before.source ?? 'the client'} keeps ${target} for ${server.kept.endsInSeconds} s more.`
  return `${place} and picks ${target} of ${countOf(server.realServers.length, 'real server')} (scheduler ${server.scheduler}).`
}

function explainRule(step: RuleStep, rules: RuleTables): ExplainedStep {
  const { hook, table, chain, position, args, isAssumed, before, after } = step
  const counter = rules.counter(args)
  return {
    kind: 'rule',
    ...{ hook, table, chain, position },
    rule: ruleLine(step),
    packets: counter?.packets ?? null,
    bytes: counter?.bytes ?? null,
    sentence: ruleSentence(args, name => rules.chain(table, name) !== undefined),
    ...changeOf(before, after),
    isAssumed,
  }
}

function changeOf(before: PacketView, after: PacketView): Pick<ExplainedStep, 'before' | 'after'> {
  const isChanged =
    before.source !== after.source || before.destination !== after.destination || before.port !== after.port
  return isChanged ? { before: endsOf(before), after: endsOf(after) } : { before: null, after: null }
}

/** The addresses of a packet at one moment. */
function endsOf({ source, sourcePort, destination, port }: PacketView): PacketEnds {
  return {
    source:
      source === undefined
        ? 'an address of the node'
        : sourcePort === undefined
          ? source
          : hostPort(source, sourcePort),
    destination: hostPort(destination, port),
  }
}

function routeSentence({ isForNode, outInterface }: Extract<WalkStep, { readonly kind: 'route' }>): string {
  if (isForNode) return 'The destination is an address of this node: the packet stays here.'
  return `The destination is not this node: the packet is sent on${outInterface === undefined ? '' : ` by ${outInterface}`}.`
}

/** `1 endpoint`, `3 endpoints`. */
export function countOf(count: number, name: string): string {
  return `${count} ${name}${count === 1 ? '' : 's'}`
}
