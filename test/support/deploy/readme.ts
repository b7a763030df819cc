import { readFileSync } from 'node:fs'

/** The commands of a block of `deploy/README.md`, each a line. */
export type Commands = readonly string[]

/** A section of `deploy/README.md`: from a cluster to the first request, and back to the stock kube-proxy. */
export interface ReadmeSection {
  readonly title: string
  readonly text: string
  /** Blocks of commands before the link to the first request; all blocks if there is no such link. */
  readonly there: readonly Commands[]
  readonly hasRequest: boolean
  /** Blocks of commands after it. */
  readonly back: readonly Commands[]
}

/** The section whose commands are the first request of all others. */
export const FIRST_REQUEST = 'The first request'

const LINK = '[the first request](#the-first-request)'
const README = 'deploy/README.md'

/** All sections, in their order. */
export function readSections(): ReadmeSection[] {
  const sections = readFileSync(README, 'utf8').split(/^## /m).slice(1)
  return sections.map(section => {
    const end = section.indexOf('\n')
    const [before = '', ...after] = section.split(LINK)
    return {
      title: section.slice(0, end),
      text: section.slice(end),
      there: blocksOf(before),
      hasRequest: after.length === 1,
      back: blocksOf(after.join(LINK)),
    }
  })
}

/** The overlay of each cluster, as the table of the README has it. */
export function readOverlays(): ReadonlyMap<string, string> {
  const rows = readFileSync(README, 'utf8').matchAll(/^\| \[(.*?)\]\(#\S+\) \| `overlays\/(\w+)` \|/gm)
  return new Map([...rows].map(([, cluster, overlay]) => [cluster!, overlay!]))
}

function blocksOf(text: string): Commands[] {
  return [...text.matchAll(/```sh\n([^]*?)```/g)].map(([, block]) => block!.trim().split('\n'))
}
