import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { type TeardownScope } from '../nodes/node-network.js'

const IPTABLES_PROGRAMS = ['save', 'restore'].flatMap(action =>
  ['iptables', 'iptables-nft', 'iptables-legacy', 'ip6tables', 'ip6tables-nft', 'ip6tables-legacy'].map(
    base => `${base}-${action}`,
  ),
)

/** Counts the runs of iptables programs: scripts that come first in PATH record the call and execute the program. */
export class ProgramCallCounter {
  /** The environment with these scripts in PATH. */
  readonly env: NodeJS.ProcessEnv
  readonly #log: string

  constructor(t: TeardownScope) {
    const folder = mkdtempSync(join(tmpdir(), 'programs-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    this.#log = join(folder, 'calls')
    for (const program of IPTABLES_PROGRAMS) {
      const real = (process.env['PATH'] ?? '')
        .split(delimiter)
        .map(path => join(path, program))
        .find(existsSync)
      if (real === undefined) continue
      const script = join(folder, program)
      writeFileSync(script, `#!/bin/sh\necho ${program} >> ${this.#log}\nexec ${real} "$@"\n`)
      chmodSync(script, 0o755)
    }
    this.env = { ...process.env, PATH: `${folder}${delimiter}${process.env['PATH']}` }
  }

  /** Number of runs, since the start, of a family's programs whose name ends so. */
  count(ending: 'save' | 'restore', family: 'IPv4' | 'IPv6' = 'IPv4'): number {
    const begin = family === 'IPv4' ? 'iptables' : 'ip6tables'
    if (!existsSync(this.#log)) return 0
    return readFileSync(this.#log, 'utf8')
      .split('\n')
      .filter(name => name.startsWith(begin) && name.endsWith(ending)).length
  }
}
