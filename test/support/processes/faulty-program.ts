import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { type TeardownScope } from '../nodes/node-network.js'

/**
 * A real program that fails until `repair()`: its standard input passes through `sed`, and then it works
 * as usual or fails with its own error.
 */
export class FaultyProgram {
  /** The environment with this program first in PATH. */
  readonly env: NodeJS.ProcessEnv
  readonly #faultFile: string

  /**
   * @param path of the program, such as `/usr/sbin/iptables-nft-restore`
   * @param script of `sed` for its input
   */
  constructor(t: TeardownScope, path: string, script: string) {
    const folder = mkdtempSync(join(tmpdir(), 'spoiled-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    this.#faultFile = join(folder, 'spoil')
    writeFileSync(this.#faultFile, '')
    const shim = join(folder, path.split('/').at(-1)!)
    writeFileSync(
      shim,
      `#!/bin/sh\nif [ -e ${this.#faultFile} ]; then sed '${script}' | ${path} "$@"; exit $?; fi\nexec ${path} "$@"\n`,
    )
    chmodSync(shim, 0o755)
    this.env = { ...process.env, PATH: `${folder}${delimiter}${process.env['PATH']}` }
  }

  /** From now on the program fails again. */
  spoil(): void {
    writeFileSync(this.#faultFile, '')
  }

  /** From now on the program works. */
  repair(): void {
    rmSync(this.#faultFile)
  }
}
