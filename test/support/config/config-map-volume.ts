import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Test } from 'tap'

/**
 * A file of a ConfigMap volume, replaced as the kubelet does it: each content has a folder of its own, and the link `..data`, through
 * which the file is found, moves from one folder to the next.
 */
export class ConfigMapVolume {
  /** The path of the file. */
  readonly path: string
  readonly #folder: string
  readonly #name: string
  #contents = 0

  /** @param name of the file; it does not exist before the first `write` */
  constructor(t: Test, name: string) {
    this.#folder = mkdtempSync(join(tmpdir(), 'config-map-'))
    t.teardown(() => rmSync(this.#folder, { recursive: true }))
    this.#name = name
    this.path = join(this.#folder, name)
    symlinkSync(join('..data', name), this.path)
  }

  /** Replaces the content of the file. */
  write(text: string): void {
    const content = `..content-${++this.#contents}`
    mkdirSync(join(this.#folder, content))
    writeFileSync(join(this.#folder, content, this.#name), text)
    symlinkSync(content, join(this.#folder, '..data_tmp'))
    renameSync(join(this.#folder, '..data_tmp'), join(this.#folder, '..data'))
  }
}
