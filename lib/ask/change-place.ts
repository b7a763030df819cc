import { type Lab, type Place, type Ran } from './lab.js'

/** A change that a command has made, and what undoes it. */
export interface Change {
  readonly ran: Ran
  /** If the experiment does not undo it, reset() does. */
  undo(): Promise<void>
}

type Command = readonly [program: string, ...args: string[]]

/** Runs a command that changes the node or a host. @param reverse the command that undoes it */
export async function changePlace(lab: Lab, where: Place, command: Command, reverse: Command): Promise<Change> {
  // First: a command that fails may have made a part of its change.
  const undo = lab.undoLater(() => lab.run(where, ...reverse))
  return { ran: await lab.run(where, ...command), undo }
}
