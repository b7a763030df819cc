import { type Lab, type Ran } from './lab.js'

/** What a question needs that looks up a name, each with its package. */
export const LOOK_UP_PROGRAMS: ReadonlyMap<string, string> = new Map([
  ['getent', 'libc-bin'],
  ['unshare', 'util-linux'],
])

/** What the resolver of the C library has answered a Pod. */
export interface LookedUpName {
  readonly ran: Ran
  /** The first address; empty without an answer. */
  readonly address: string
  readonly milliseconds: number
}

/**
 * Looks up a name in the client Pod as most programs do: the C library asks for addresses of both IP families.
 * @param options of the resolver, as in `/etc/resolv.conf`
 */
export async function lookUpName(lab: Lab, name: string, options = ''): Promise<LookedUpName> {
  const variable = options === '' ? '' : `RES_OPTIONS=${options} `
  const line = `start=$(date +%s%N); ${variable}getent -s dns ahosts ${name}; echo "$((($(date +%s%N) - start) / 1000000)) ms"`
  const ran = await lab.podShell(line)
  const address = /^(\d+\.\d+\.\d+\.\d+) /m.exec(ran.output)?.[1] ?? ''
  return { ran, address, milliseconds: Number(/^(\d+) ms$/m.exec(ran.output)?.[1] ?? -1) }
}
