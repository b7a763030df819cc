import { type Lab, type Ran } from './lab.js'
import { type Texts, type Values } from './texts.js'

/** What an experiment ends in: what it has measured, and what follows from that. */
export interface Finding {
  /** What the number or the word of the proof is. */
  readonly proof: Texts
  readonly value: number | string
  /** Two or three sentences that quote `values`. */
  readonly answer: Texts
  readonly values: Values
  /** Whether the measurement is what the answer says. */
  readonly holds: boolean
}

/** Shows one step: a command, what it has printed, and what that means. */
export type ShowStep = (ran: Ran, meaning: Texts, values?: Values) => void

/** The cluster, and where to show what happens in it. */
export interface Experiment {
  readonly lab: Lab
  readonly show: ShowStep
}

/** A question of people who learn how Services work, and the experiment that answers it. */
export interface Question {
  readonly number: number
  readonly title: Texts
  /** Where people asked it: `kubernetes#78201`. */
  readonly asked: readonly string[]
  /** Words to find it by that its title does not have. */
  readonly words: readonly string[]
  /** Programs that the experiment needs besides those of the demo, each with its package. */
  readonly programs: ReadonlyMap<string, string>
  /** Runs the experiment, in a cluster that was reset. It may leave the cluster in any state. */
  run(experiment: Experiment): Promise<Finding>
}

/** What most experiments need. */
export const CURL: ReadonlyMap<string, string> = new Map([['curl', 'curl']])
