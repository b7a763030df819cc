import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TeardownScope } from '../nodes/node-network.js'
import { ProgramHook } from './program-hook.js'

/** Counts the runs of iptables programs. */
export class ProgramCallCounter {
  /** The environment with the counted programs in PATH. */
  readonly env: NodeJS.ProcessEnv
  readonly #calls: string

  constructor(t: TeardownScope) {
    const { env, folder } = new ProgramHook(t, /./, 'echo "$PROGRAM" >> "$HOOK/calls"')
    this.env = env
    this.#calls = join(folder, 'calls')
  }

  /** Number of runs, since the start, of a family's programs whose name ends so. */
  count(ending: 'save' | 'restore', family: 'IPv4' | 'IPv6' = 'IPv4'): number {
    const begin = family === 'IPv4' ? 'iptables' : 'ip6tables'
    if (!existsSync(this.#calls)) return 0
    return readFileSync(this.#calls, 'utf8')
      .split('\n')
      .filter(name => name.startsWith(begin) && name.endsWith(ending)).length
  }
}
