import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { type Socket } from 'node:net'
import { join } from 'node:path'
import { type Clock } from '../model/clock.js'
import { messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { OnceReporter } from '../primitives/once-reporter.js'
import { PingLoop } from '../primitives/ping-loop.js'
import { ProcessLiveness } from '../primitives/process-liveness.js'
import { sameItems } from '../primitives/reuse-equal.js'
import { SerialQueue } from '../primitives/serial-queue.js'
import { makeTemporaryFolder } from '../system/make-temporary-folder.js'
import { startProcess } from '../system/start-process.js'

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
 * Until then it replies to each line, with a line. A reply to a process that has ended must not end this one by SIGPIPE.
 *
 * $2 is the format of the log, text or json. $1 is a folder. Its subfolder `current` has two files for each step: `N.command`, with one word of the command per line, and
 * `N.text`, the input of the command.
 */
const SCRIPT = `
trap : PIPE
while read -r line; do echo 2>/dev/null; done
# The steps must not write to a pipe without a reader.
exec >/dev/null
folder=$1
if cd "$folder/current" 2>/dev/null; then
  message='kube-proxy was killed; the kernel takes over'
  if [ "$2" = json ]; then
    echo "{\\"ts\\":$(date +%s)000,\\"caller\\":\\"failover-process.js:1\\",\\"msg\\":\\"$message\\",\\"v\\":0,\\"severity\\":\\"warning\\"}" >&2
  else
    echo "W$(date '+%m%d %H:%M:%S').000000 $(printf %7d $$) failover-process.js:1] \\"$message\\"" >&2
  fi
  for file in *.command; do
    set --
    while read -r word; do set -- "$@" "$word"; done < "$file"
    "$@" < "\${file%.command}.text" || break
  done
  cd /
fi
rm -r "$folder"
`

/** Pause before another failover process starts, in milliseconds: it doubles up to the maximum. */
const MIN_RESTART_DELAY_MS = 1000
const MAX_RESTART_DELAY_MS = 60_000
/** A failover process that has run this long can run: the next pause is the shortest one again. */
const STABLE_RUN_MS = 60_000

/**
 * A small process that survives this one. If this process is killed, the failover process runs the steps of the failover script,
 * which make the kernel serve. A regular shutdown calls `disarm` instead. If it ends by itself, or is stopped and does not reply to
 * pings, another one takes its place.
 */
export class FailoverProcess {
  readonly #clock: Clock
  readonly #log: Log
  readonly #logFormat: 'text' | 'json'
  #child: ChildProcess | undefined
  #folder: string
  #isDisarmed = false
  #startedAt: number
  #shortRuns = 0
  #cancelRestart: () => void = () => undefined
  #lastWritten: readonly FailoverStep[] = []
  /** The number of the last subfolder, and the name of the one that `current` leads to. */
  #version = 0
  #current: string | undefined
  readonly #writes = new SerialQueue()
  readonly #liveness = new ProcessLiveness()
  readonly #pings: PingLoop
  readonly #startProblem = new OnceReporter()

  constructor(clock: Clock, log: Log, logFormat: 'text' | 'json') {
    this.#logFormat = logFormat
    this.#clock = clock
    this.#log = log
    this.#folder = makeFolder()
    this.#startedAt = clock.now()
    this.#pings = new PingLoop(clock, this.#liveness, {
      ping: () => this.#child?.stdin?.write('\n'),
      onSilent: () => this.#replaceSilent(),
    })
    this.#start()
  }

  /** Replaces the whole failover script; equal steps cost nothing. Never rejects. */
  update(steps: readonly FailoverStep[]): Promise<void> {
    return this.#writes.run(async () => {
      if (areStepsEqual(steps, this.#lastWritten)) return
      try {
        await this.#writeSteps(steps)
        this.#lastWritten = steps
      } catch (error) {
        this.#log.warn('Cannot update the failover script; after a crash the kernel would serve outdated rules', {
          reason: messageOf(error),
        })
      }
    })
  }

  /** Ends the failover process without running the script. Never throws; it logs what it cannot remove. */
  disarm(): void {
    this.#isDisarmed = true
    this.#pings.stop()
    this.#cancelRestart()
    this.#child?.kill('SIGKILL')
    try {
      rmSync(this.#folder, { recursive: true, force: true })
    } catch (error) {
      // A file system that is read-only now, or a file that an update adds at this moment. The end of a proxy must go on.
      this.#log.warn('Cannot remove the folder of the failover script', {
        folder: this.#folder,
        reason: messageOf(error),
      })
    }
  }

  async #writeSteps(steps: readonly FailoverStep[]): Promise<void> {
    const next = `v${++this.#version}`
    const path = (name: string): string => join(this.#folder, name)
    const remove = (name: string): Promise<void> => rm(path(name), { recursive: true, force: true })
    try {
      await mkdir(path(next), { mode: 0o700 })
      for (const [index, { command, input }] of steps.entries()) {
        // The shell runs the commands in the order of their file names.
        const name = join(path(next), String(index).padStart(6, '0'))
        await writeFile(`${name}.text`, input)
        await writeFile(`${name}.command`, command.map(word => `${word}\n`).join(''))
      }
      await symlink(next, path('next'))
      await rename(path('next'), path('current'))
    } catch (error) {
      // A part of a script would take the space of the next one.
      await Promise.allSettled(['next', next].map(remove))
      throw error
    }
    const previous = this.#current
    this.#current = next
    if (previous !== undefined) await remove(previous)
  }

  #start(): void {
    // In its own session: a signal to the whole process group must not end it together with this process.
    const child = startProcess(
      () =>
        spawn('/bin/sh', ['-c', SCRIPT, 'kube-proxy-guard', this.#folder, this.#logFormat], {
          stdio: ['pipe', 'pipe', 'inherit'],
          detached: true,
        }),
      error => this.#failedToStart(error),
    )
    this.#child = child
    if (child === undefined) return
    child.on('exit', (code, signal) => this.#ended(`exit ${code === null ? `by ${signal}` : `code ${code}`}`))
    child.stdin.on('error', () => undefined)
    child.stdout.on('data', () => this.#liveness.replied()).on('error', () => undefined)
    child.unref()
    for (const stream of [child.stdin, child.stdout]) (stream as Socket).unref()
    this.#pings.start()
  }

  #failedToStart(error: unknown): void {
    if (this.#isDisarmed) return
    this.#shortRuns++
    const reason = messageOf(error)
    this.#startProblem.updateOne(reason, () =>
      this.#log.warn('Cannot start a failover process; until one runs, the kernel does not take over after a crash', {
        reason,
      }),
    )
    this.#restartLater()
  }

  #replaceSilent(): void {
    this.#log.warn('Replacing the failover process, because it does not reply', { pid: this.#child?.pid })
    this.#child?.kill('SIGKILL')
  }

  #ended(reason: string): void {
    if (this.#isDisarmed) return
    this.#pings.stop()
    this.#child = undefined
    this.#shortRuns = this.#clock.now() - this.#startedAt < STABLE_RUN_MS ? this.#shortRuns + 1 : 0
    this.#log.warn(
      'The failover process has exited; until another one runs, the kernel does not take over after a crash',
      {
        reason,
      },
    )
    this.#restartLater()
  }

  #restartLater(): void {
    const delayMs = Math.min(MAX_RESTART_DELAY_MS, MIN_RESTART_DELAY_MS * 2 ** Math.max(0, this.#shortRuns - 1))
    this.#cancelRestart = this.#clock.after(delayMs, () => void this.#writes.run(() => this.#restart()))
  }

  /** Starts another failover process with the last script. */
  async #restart(): Promise<void> {
    if (this.#isDisarmed) return
    try {
      // Not the old folder: if another program has removed it, a third one may own a folder of the same name now.
      const before = this.#folder
      this.#folder = makeFolder()
      this.#current = undefined
      this.#startedAt = this.#clock.now()
      await rm(before, { recursive: true, force: true })
      if (this.#lastWritten.length > 0) await this.#writeSteps(this.#lastWritten)
      if (this.#isDisarmed) return rmSync(this.#folder, { recursive: true, force: true })
      this.#start()
      if (this.#child === undefined) return
      this.#startProblem.clear()
      this.#log.info(0, 'Another failover process runs', { pid: this.#child.pid })
    } catch (error) {
      this.#failedToStart(error)
    }
  }
}

function makeFolder(): string {
  return makeTemporaryFolder('kube-proxy-guard-')
}

/** Compares the texts directly: those of a large cluster have megabytes, and a fingerprint would copy them. */
function areStepsEqual(a: readonly FailoverStep[], b: readonly FailoverStep[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ command, input }, index) => input === b[index]!.input && sameItems(command, b[index]!.command))
  )
}
