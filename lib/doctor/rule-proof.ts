import { countOf } from '../explain/explain-step.js'
import { type FoundRule } from './kernel-facts.js'

/** Where a rule stands, what it is and what it has counted. */
export function ruleProof({ table, chain, position, rule, sentence, packets }: FoundRule): string[] {
  const place = position === undefined ? `chain ${chain}` : `rule ${position} of chain ${chain}`
  const counter = packets === undefined ? '' : `; it has counted ${countOf(packets, 'packet')}`
  return [`${place} in table ${table}: ${rule}`, `that means: ${sentence.replace(/\.$/, '')}${counter}`]
}
