import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { type TeardownScope } from '../nodes/node-network.js'

/** Lets `xtables-monitor` start only while the gate is open. The proxy starts it by `stdbuf`, which comes first in PATH here. */
export class GatedMonitor {
  /** The environment with that program. */
  readonly env: NodeJS.ProcessEnv
  readonly #gateFile: string

  constructor(t: TeardownScope, env: NodeJS.ProcessEnv = process.env) {
    const folder = mkdtempSync(join(tmpdir(), 'monitor-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    this.#gateFile = join(folder, 'closed')
    const program = join(folder, 'stdbuf')
    const wait = `while [ -e ${this.#gateFile} ]; do sleep 0.05; done`
    writeFileSync(program, `#!/bin/sh\n${wait}\nPATH='${env['PATH']}'\nexec stdbuf "$@"\n`)
    chmodSync(program, 0o755)
    this.env = { ...env, PATH: `${folder}${delimiter}${env['PATH']}` }
  }

  open(): void {
    rmSync(this.#gateFile, { force: true })
  }

  close(): void {
    writeFileSync(this.#gateFile, '')
  }
}
