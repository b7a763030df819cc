import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { type TeardownScope } from '../nodes/node-network.js'

/** A PATH with all programs of this machine, which a test can take away or replace one by one while a proxy runs. */
export class OwnPath {
  /** The environment with it. */
  readonly env: NodeJS.ProcessEnv
  readonly #folder: string
  readonly #paths = new Map<string, string>()

  constructor(t: TeardownScope) {
    this.#folder = mkdtempSync(join(tmpdir(), 'path-'))
    t.teardown(() => rmSync(this.#folder, { recursive: true }))
    for (const folder of (process.env['PATH'] ?? '').split(delimiter).filter(existsSync))
      for (const name of readdirSync(folder)) if (!this.#paths.has(name)) this.#paths.set(name, join(folder, name))
    for (const name of this.#paths.keys()) this.restore(name)
    this.env = { ...process.env, PATH: this.#folder }
  }

  /** Takes a program away. */
  remove(name: string): void {
    rmSync(join(this.#folder, name), { force: true })
  }

  /** Replaces a program by a script of `sh`. In the script `$real` is its path. */
  replace(name: string, script: string): void {
    this.remove(name)
    const path = join(this.#folder, name)
    writeFileSync(path, `#!/bin/sh\nreal=${this.#paths.get(name)}\n${script}\n`)
    chmodSync(path, 0o755)
  }

  /** From now on the program is the machine's own. */
  restore(name: string): void {
    this.remove(name)
    symlinkSync(this.#paths.get(name)!, join(this.#folder, name))
  }
}
