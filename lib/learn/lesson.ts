import { type Lab, type Place, type Ran } from '../ask/lab.js'
import { type Experiment } from '../ask/question.js'
import { type Texts, type Values } from '../ask/texts.js'

/** What can happen at a step. One choice is what every run has to show. */
export interface Choice {
  readonly text: Texts
  /** Whether a run has shown this. */
  isSeen(values: Values): boolean
}

/** A line of a shell, and where it runs. */
export interface Command {
  readonly where: Place
  readonly line: string
}

/** A counter, as it was read. */
export interface Reading {
  /** The command that shows it. */
  readonly ran: Ran
  readonly value: number
}

/** A counter of the kernel that proves what has happened. */
export interface Counter {
  readonly name: Texts
  read(lab: Lab): Promise<Reading>
  /** How long the kernel may take until the counter shows what has happened, in milliseconds; left out: no time. */
  delayMs?(lab: Lab): number
}

/** A number or a word of the output that proves what has happened, where nothing counts. */
export interface Measure {
  readonly name: Texts
  /** The name of the value. */
  readonly value: string
}

/** What a step knows after its command has run. */
export interface Seen {
  readonly ran: Ran
  /** How much the counter rose; 0 if the step has none. */
  readonly more: number
  readonly lab: Pick<Lab, 'service' | 'pods' | 'clientIP' | 'nodeIP' | 'outsideIP'>
}

/** A request that is open while the command of a step runs. */
export interface HeldRequest {
  /** Whether it is still open. */
  isOpen(): Promise<boolean>
  end(): Promise<void>
}

/** One step: what to know, a command, a prediction, and what has happened, with its proof and its reason. */
export interface LessonStep {
  readonly title: Texts
  /** What to know before. */
  readonly say: Texts
  /** Changes the cluster before the command, and shows each change. May return a request that the command has to see. */
  prepare?(experiment: Experiment): Promise<HeldRequest | void>
  command(lab: Lab): Command | Promise<Command>
  /** Whether an exit code other than 0 is a result, as where curl is refused; left out: a command that fails shows nothing. */
  readonly mayFail?: boolean
  readonly question: Texts
  readonly choices: readonly Choice[]
  /** The index of the choice that `why` explains. */
  readonly right: number
  readonly proof: Counter | Measure
  /** The values that `why` quotes. It only computes. */
  observe(seen: Seen): Values
  readonly why: Texts
}

/** A lesson about one subject. Its steps run one after the other in a cluster that was reset before the first one. */
export interface Lesson {
  readonly number: number
  readonly title: Texts
  /** A mode that some nodes do not support; left out: it needs none. */
  readonly mode?: string
  readonly steps: readonly LessonStep[]
}

/** Whether a proof is a counter. */
export function isCounter(proof: Counter | Measure): proof is Counter {
  return 'read' in proof
}
