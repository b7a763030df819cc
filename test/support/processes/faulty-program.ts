import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { type TeardownScope } from '../nodes/node-network.js'

/**
 * A real program that goes wrong for as long as it is told to: its standard input passes through `sed`, and then it does
 * what it always does, or fails for a reason of its own.
 */
export class FaultyProgram {
  /** The environment in which it is found first. */
  readonly env: NodeJS.ProcessEnv
  readonly #faultFile: string

  /**
   * @param path the program, as `/usr/sbin/iptables-nft-restore`
   * @param script what `sed` does to its input
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

  /** From now on it works. */
  repair(): void {
    rmSync(this.#faultFile)
  }
}
