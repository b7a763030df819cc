import { type ChildProcess, spawn } from 'node:child_process'
import { type Socket } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'

/** Text for a program to read, when we are no more. */
export interface LastWill {
  /** A program with its arguments, such as `iptables-restore --noflush`. */
  readonly command: readonly string[]
  readonly text: string
}

/**
 * Waits for the end of its input, which the kernel brings about when we are gone, however we went; then has each program read
 * its file. A shell, since it takes a megabyte where a process of Node takes forty.
 *
 * $1 is the folder; `N.command` holds the program of `N.text`, one word a line.
 */
const SCRIPT = `
while read -r line; do :; done
cd "$1" || exit 0
for file in *.command; do
  [ -e "$file" ] || continue
  set --
  while read -r word; do set -- "$@" "$word"; done < "$file"
  "$@" < "\${file%.command}.text"
done
rm -r "$PWD"
`

/**
 * A small process that outlives this one, and then carries out its last will: what the kernel is to do in our place. It is told
 * to stand down by whoever ends in good order.
 */
export class Guard {
  readonly #child: ChildProcess
  readonly #folder: string
  readonly #log: Log
  #written = new Map<number, LastWill>()
  #writing: Promise<void> = Promise.resolve()

  constructor(log: Log) {
    this.#log = log
    this.#folder = mkdtempSync(join(tmpdir(), 'kube-proxy-guard-'))
    // In a session of its own: what ends us by a signal to the whole group must not end it.
    this.#child = spawn('/bin/sh', ['-c', SCRIPT, 'kube-proxy-guard', this.#folder], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    })
    this.#child.on('error', error => this.#tellLost(messageOf(error)))
    this.#child.on('exit', (code, signal) => this.#tellLost(`it ended with ${code ?? signal}`))
    this.#child.stdin!.on('error', () => undefined)
    this.#child.unref()
    ;(this.#child.stdin as Socket).unref()
  }

  /** Takes a new will in the place of the last one. What is the same is not written again. Never rejects. */
  write(wills: readonly LastWill[]): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      try {
        for (const [index, will] of wills.entries())
          if (this.#written.get(index)?.text !== will.text) await this.#put(index, will)
      } catch (error) {
        this.#log.warn('The kernel will not take over if this process is killed', { because: messageOf(error) })
      }
    })
    return this.#writing
  }

  /** Ends it; nothing is carried out. */
  standDown(): void {
    this.#child.removeAllListeners('exit')
    this.#child.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Each file is there as a whole or not at all, the text before the program that reads it. */
  async #put(index: number, will: LastWill): Promise<void> {
    for (const [name, content] of [
      ['text', will.text],
      ['command', will.command.map(word => `${word}\n`).join('')],
    ] as const) {
      const path = join(this.#folder, `${index}.${name}`)
      await writeFile(`${path}.new`, content, { mode: 0o600 })
      await rename(`${path}.new`, path)
    }
    this.#written.set(index, will)
  }

  #tellLost(because: string): void {
    this.#log.warn('The process is gone that has the kernel take over if we are killed', { because })
  }
}
