import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { type TeardownScope } from '../nodes/node-network.js'

/**
 * Runs lines of shell before real programs, each time one of them starts. `exit 1` in the lines keeps the program from running; `$PROGRAM`
 * is its name, and `$HOOK` is a folder for files of the test.
 */
export class ProgramHook {
  /** The environment with these programs first in PATH. */
  readonly env: NodeJS.ProcessEnv
  /** The folder `$HOOK`. */
  readonly folder: string

  /** @param isHooked chooses programs by their name, such as `iptables-nft-save` */
  constructor(t: TeardownScope, isHooked: RegExp, lines = '') {
    this.folder = mkdtempSync(join(tmpdir(), 'hook-'))
    t.teardown(() => rmSync(this.folder, { recursive: true, force: true }))
    this.set(lines)
    const programs = join(this.folder, 'programs')
    for (const name of IPTABLES_PROGRAMS.filter(name => isHooked.test(name))) {
      const real = (process.env['PATH'] ?? '')
        .split(delimiter)
        .map(path => join(path, name))
        .find(existsSync)
      if (real === undefined) continue
      writeProgram(programs, name, `PROGRAM=${name}\nHOOK=${this.folder}\n. ${this.#lines}\nexec ${real} "$@"\n`)
    }
    this.env = { ...process.env, PATH: `${programs}${delimiter}${process.env['PATH']}` }
  }

  /** From now on these lines run. */
  set(lines: string): void {
    writeFileSync(`${this.#lines}.next`, `${lines}\n`)
    renameSync(`${this.#lines}.next`, this.#lines)
  }

  /**
   * From now on programs wait before they run, until `release`.
   * @param except a pattern of the shell for arguments with which a program runs at once
   */
  hold(except = '-'): void {
    writeFileSync(join(this.folder, 'hold'), '')
    const wait = 'touch "$HOOK/held"; while [ -e "$HOOK/hold" ]; do sleep 0.05; done'
    this.set(`case "$*" in ${except}) ;; *) ${wait};; esac`)
  }

  /** Whether a program has begun to wait. */
  get isHeld(): boolean {
    return existsSync(join(this.folder, 'held'))
  }

  /** Lets programs run that wait, and later ones. */
  release(): void {
    this.set('')
    rmSync(join(this.folder, 'hold'))
  }

  get #lines(): string {
    return join(this.folder, 'lines')
  }
}

const IPTABLES_PROGRAMS = ['save', 'restore'].flatMap(action =>
  ['iptables', 'iptables-nft', 'iptables-legacy', 'ip6tables', 'ip6tables-nft', 'ip6tables-legacy'].map(
    base => `${base}-${action}`,
  ),
)

function writeProgram(folder: string, name: string, lines: string): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, name), `#!/bin/sh\n${lines}`)
  chmodSync(join(folder, name), 0o755)
}
