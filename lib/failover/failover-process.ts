import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { sameItems } from '../primitives/reuse-equal.js'
import { SerialQueue } from '../primitives/serial-queue.js'

/** One command of the failover script. */
export interface FailoverStep {
  /** A program and its arguments, such as `iptables-restore --noflush`. */
  readonly command: readonly string[]
  /** The text that the program reads from its standard input. */
  readonly input: string
}

/**
 * The program of the failover process. It reads its standard input, which the kernel closes when this process ends in any way.
 * Then it runs the steps in order, until one fails. A shell needs 1 MB of memory, a process of Node.js needs 40 MB.
 *
 * $1 is a folder. Its subfolder `current` has two files for each step: `N.command`, with one word of the command per line, and
 * `N.text`, the input of the command.
 */
const SCRIPT = `
while read -r line; do :; done
folder=$1
if cd "$folder/current" 2>/dev/null; then
  echo 'kube-proxy was killed; the kernel takes over' >&2
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
 * A small process that survives this one. If this process is killed, the failover process runs the steps of the failover script,
 * which make the kernel serve. A regular shutdown calls `disarm` instead.
 */
export class FailoverProcess {
  readonly #child: ChildProcess
  readonly #folder: string
  readonly #log: Log
  #lastWritten: readonly FailoverStep[] = []
  #version = 0
  readonly #writes = new SerialQueue()

  constructor(log: Log) {
    this.#log = log
    this.#folder = mkdtempSync(join(tmpdir(), 'kube-proxy-guard-'))
    // In its own session: a signal to the whole process group must not end it together with this process.
    this.#child = spawn('/bin/sh', ['-c', SCRIPT, 'kube-proxy-guard', this.#folder], {
      stdio: ['pipe', 'ignore', 'inherit'],
      detached: true,
    })
    this.#child.on('error', error => this.#reportExit(messageOf(error)))
    this.#child.on('exit', (code, signal) =>
      this.#reportExit(`exit ${code === null ? `by ${signal}` : `code ${code}`}`),
    )
    this.#child.stdin!.on('error', () => undefined)
    this.#child.unref()
    ;(this.#child.stdin as Socket).unref()
  }

  /** Replaces the whole failover script; equal steps cost nothing. Never rejects. */
  update(steps: readonly FailoverStep[]): Promise<void> {
    return this.#writes.run(async () => {
      if (areStepsEqual(steps, this.#lastWritten)) return
      try {
        await this.#writeSteps(steps)
        this.#lastWritten = steps
      } catch (error) {
        this.#log.warn('Could not update the failover script; after a crash the kernel would serve outdated rules', {
          reason: messageOf(error),
        })
      }
    })
  }

  /** Ends the failover process without running the script. */
  disarm(): void {
    this.#child.removeAllListeners('exit')
    this.#child.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #writeSteps(steps: readonly FailoverStep[]): Promise<void> {
    const previous = `v${this.#version++}`
    const next = `v${this.#version}`
    const path = (name: string): string => join(this.#folder, name)
    await mkdir(path(next), { mode: 0o700 })
    for (const [index, { command, input }] of steps.entries()) {
      // The shell runs the commands in the order of their file names.
      const name = join(path(next), String(index).padStart(6, '0'))
      await writeFile(`${name}.text`, input)
      await writeFile(`${name}.command`, command.map(word => `${word}\n`).join(''))
    }
    await symlink(next, path('next'))
    await rename(path('next'), path('current'))
    await rm(path(previous), { recursive: true, force: true })
  }

  #reportExit(reason: string): void {
    this.#log.warn('The failover process has exited; if this process is killed, the kernel will not take over', {
      reason,
    })
  }
}

/** Compares the texts directly: those of a large cluster have megabytes, and a fingerprint would copy them. */
function areStepsEqual(a: readonly FailoverStep[], b: readonly FailoverStep[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ command, input }, index) => input === b[index]!.input && sameItems(command, b[index]!.command))
  )
}
