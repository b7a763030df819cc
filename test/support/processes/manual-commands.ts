import { readFileSync } from 'node:fs'

/** A block of commands of a manual, and the output that the manual shows below it; undefined if it shows none. */
export interface ManualCommands {
  readonly manual: string
  readonly commands: string
  readonly output: string | undefined
}

/** All blocks of commands of `docs/MANUAL.md`. */
export function readManualCommands(manual: string): ManualCommands[] {
  const blocks = readFileSync(`docs/${manual}.md`, 'utf8').matchAll(/```sh\n([^]*?)```(?:\n\n```text\n([^]*?)```)?/g)
  return [...blocks].map(([, commands, output]) => ({ manual, commands: commands!, output }))
}

/** Whether a block of commands is for a cluster, not for a node. */
export function isForCluster(commands: string): boolean {
  return /^kubectl /m.test(commands)
}
