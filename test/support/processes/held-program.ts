import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { type TeardownScope } from '../nodes/node-network.js'

/** A real program that waits until `release()` before it handles an input that contains a certain text. */
export class HeldProgram {
  /** The environment with this program first in PATH. */
  readonly env: NodeJS.ProcessEnv
  readonly #holdFile: string

  /** @param path of the program, such as `/usr/sbin/iptables-nft-restore` */
  constructor(t: TeardownScope, path: string, text: string) {
    const folder = mkdtempSync(join(tmpdir(), 'held-'))
    t.teardown(() => rmSync(folder, { recursive: true, force: true }))
    this.#holdFile = join(folder, 'hold')
    writeFileSync(this.#holdFile, '')
    const shim = join(folder, path.split('/').at(-1)!)
    const script = [
      '#!/bin/sh',
      `input=$(mktemp ${folder}/input-XXXXXX)`,
      'cat > "$input"',
      `if grep -q -- '${text}' "$input"; then while [ -e ${this.#holdFile} ]; do sleep 0.05; done; fi`,
      `exec ${path} "$@" < "$input"`,
    ]
    writeFileSync(shim, `${script.join('\n')}\n`)
    chmodSync(shim, 0o755)
    this.env = { ...process.env, PATH: `${folder}${delimiter}${process.env['PATH']}` }
  }

  /** From now on the program works. */
  release(): void {
    rmSync(this.#holdFile)
  }
}
