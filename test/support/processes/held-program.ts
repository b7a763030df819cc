import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { type TeardownScope } from '../nodes/node-network.js'

/** A program that waits until `release()` before it handles an input that contains a certain text, or any input. */
export class HeldProgram {
  /** The environment with this program first in PATH. */
  readonly env: NodeJS.ProcessEnv
  readonly #folder: string
  readonly #holdFile: string

  /** @param path of the program, such as `/usr/sbin/iptables-nft-restore` @param text left out: each run waits but that for `--version` */
  constructor(t: TeardownScope, path: string, text?: string) {
    const folder = mkdtempSync(join(tmpdir(), 'held-'))
    t.teardown(() => rmSync(folder, { recursive: true, force: true }))
    this.#folder = folder
    this.#holdFile = join(folder, 'hold')
    writeFileSync(this.#holdFile, '')
    const shim = join(folder, path.split('/').at(-1)!)
    const isHeld = text === undefined ? '[ "$1" != --version ]' : `grep -q -- '${text}' "$input"`
    const script = [
      '#!/bin/sh',
      `input=$(mktemp ${folder}/input-XXXXXX)`,
      'cat > "$input"',
      `if ${isHeld}; then while [ -e ${this.#holdFile} ]; do sleep 0.05; done; fi`,
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

  /** The input of each run so far, in no order. */
  get inputs(): readonly string[] {
    const names = readdirSync(this.#folder).filter(name => name.startsWith('input-'))
    return names.map(name => readFileSync(join(this.#folder, name), 'utf8'))
  }
}
