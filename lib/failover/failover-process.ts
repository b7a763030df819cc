import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { sameItems } from '../primitives/reuse-equal.js'

/** Text for a program to read, when we are no more. */
export interface FailoverStep {
  /** A program with its arguments, such as `iptables-restore --noflush`. */
  readonly command: readonly string[]
  readonly input: string
}

/**
 * Waits for the end of its input, which the kernel brings about when we are gone, however we went; then has each program read
 * its file, one after the other, up to the first that fails. A shell, since it takes a megabyte where a process of Node takes
 * forty.
 *
 * $1 is the folder; in it `current` is that of the last will, where `N.command` holds the program of `N.text`, a word a line.
 */
const SCRIPT = `
while read -r line; do :; done
folder=$1
if cd "$folder/current" 2>/dev/null; then
  echo 'kube-proxy was killed: having the kernel serve in its place' >&2
  for file in *.command; do
    set --
    while read -r word; do set -- "$@" "$word"; done < "$file"
    "$@" < "\${file%.command}.text" || break
  done
  cd /
fi
rm -r "$folder"
`

/**
 * A small process that outlives this one, and then carries out its last will: what the kernel is to do in our place. It is told
 * to stand down by whoever ends in good order.
 */
export class FailoverProcess {
  readonly #child: ChildProcess
  readonly #folder: string
  readonly #log: Log
  #lastWritten: readonly FailoverStep[] = []
  #version = 0
  #writeQueue: Promise<void> = Promise.resolve()

  constructor(log: Log) {
    this.#log = log
    this.#folder = mkdtempSync(join(tmpdir(), 'kube-proxy-guard-'))
    // In a session of its own: what ends us by a signal to the whole group must not end it.
    this.#child = spawn('/bin/sh', ['-c', SCRIPT, 'kube-proxy-guard', this.#folder], {
      stdio: ['pipe', 'ignore', 'inherit'],
      detached: true,
    })
    this.#child.on('error', error => this.#reportExit(messageOf(error)))
    this.#child.on('exit', (code, signal) => this.#reportExit(`it ended with ${code ?? signal}`))
    this.#child.stdin!.on('error', () => undefined)
    this.#child.unref()
    ;(this.#child.stdin as Socket).unref()
  }

  /** Takes a new will in the place of the last one, as a whole; the same again costs nothing. Never rejects. */
  update(steps: readonly FailoverStep[]): Promise<void> {
    this.#writeQueue = this.#writeQueue.then(async () => {
      if (areStepsEqual(steps, this.#lastWritten)) return
      try {
        await this.#writeSteps(steps)
        this.#lastWritten = steps
      } catch (error) {
        this.#log.warn('The kernel will not take over as it should if this process is killed', {
          because: messageOf(error),
        })
      }
    })
    return this.#writeQueue
  }

  /** Ends it; nothing is carried out. */
  disarm(): void {
    this.#child.removeAllListeners('exit')
    this.#child.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #writeSteps(steps: readonly FailoverStep[]): Promise<void> {
    const before = `v${this.#version++}`
    const next = `v${this.#version}`
    const path = (name: string): string => join(this.#folder, name)
    await mkdir(path(next), { mode: 0o700 })
    for (const [index, { command, input }] of steps.entries()) {
      // The shell takes them in the order of their names.
      const name = join(path(next), String(index).padStart(6, '0'))
      await writeFile(`${name}.text`, input)
      await writeFile(`${name}.command`, command.map(word => `${word}\n`).join(''))
    }
    await symlink(next, path('next'))
    await rename(path('next'), path('current'))
    await rm(path(before), { recursive: true, force: true })
  }

  #reportExit(reason: string): void {
    this.#log.warn('The process is gone that has the kernel take over if we are killed', { reason })
  }
}

function areStepsEqual(a: readonly FailoverStep[], b: readonly FailoverStep[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ command, input }, n) => input === b[n]!.input && sameItems(command, b[n]!.command))
  )
}
