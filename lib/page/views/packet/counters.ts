import { type ExplainedStep, type Explanation } from '../../../explain/explanation.js'

/** How a counter has changed. */
export interface Rise {
  /** Since the first answer. */
  readonly total: number
  /** Whether it has risen with the last answer. */
  readonly isNew: boolean
}

/** What is remembered of the counters of one rule. */
interface Counted extends Rise {
  readonly packets: number
}

/** The counters of all rules of a packet, by rule. */
export type Counters = ReadonlyMap<string, Counted>

/** Compares the counters of an answer with those of the answers before. One that has started again counts from there. */
export function countersOf(explanation: Explanation, before: Counters): Counters {
  const counters = new Map<string, Counted>()
  for (const step of [...explanation.steps, ...explanation.ways.flatMap(({ steps }) => steps)]) {
    if (step.packets === null) continue
    const { packets } = step
    const key = ruleKey(step)
    const last = before.get(key)
    const rise = Math.max(0, packets - (last?.packets ?? packets))
    counters.set(key, { packets, total: (last?.total ?? 0) + rise, isNew: rise > 0 })
  }
  return counters
}

/** How the counter of a step has changed; undefined: it has none, or not yet. */
export function riseOf(step: ExplainedStep, counters: Counters): Rise | undefined {
  const counted = counters.get(ruleKey(step))
  return counted === undefined || counted.total === 0 ? undefined : counted
}

/** The number of a rule changes when others come before it. */
function ruleKey({ hook, table, chain, rule }: ExplainedStep): string {
  return `${hook} ${table} ${chain} ${rule}`
}
