import { readFileSync } from 'node:fs'

/** A block of commands of `deploy/README.md`. */
export interface CommandBlock {
  /** The heading above it. */
  readonly section: string
  readonly commands: readonly string[]
}

/** All blocks of commands, in their order. */
export function readCommandBlocks(): CommandBlock[] {
  const sections = readFileSync('deploy/README.md', 'utf8').split(/^## /m).slice(1)
  return sections.flatMap(section =>
    [...section.matchAll(/```sh\n([^]*?)```/g)].map(([, block]) => ({
      section: section.slice(0, section.indexOf('\n')),
      commands: block!.trim().split('\n'),
    })),
  )
}
