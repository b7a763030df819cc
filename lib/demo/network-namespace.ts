import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { type CommandOptions, type CommandResult, runCommand } from '../system/command.js'
import { ipFailure } from './ip-failure.js'

const COMMAND_TIMEOUT_MS = 20_000
/** How often to try to delete a namespace. */
const MAX_DELETE_ATTEMPTS = 3

/** One network namespace: a host or a Pod of a small network on this machine, with its own interfaces, routes and rules. */
export class NetworkNamespace {
  /** Its name for `ip netns`. */
  readonly name: string
  readonly #timeoutMs: number

  private constructor(name: string, timeoutMs: number) {
    this.name = name
    this.#timeoutMs = timeoutMs
  }

  /**
   * Creates a namespace that has only a loopback interface, up.
   * @param timeoutMs how long a program may take in it, unless a call says otherwise
   * @throws ProxyFailure PROGRAM_FAILED
   */
  static async create(name: string, timeoutMs = COMMAND_TIMEOUT_MS): Promise<NetworkNamespace> {
    await runIp(['netns', 'add', name], '', timeoutMs)
    const namespace = new NetworkNamespace(name, timeoutMs)
    try {
      await namespace.configure('link set lo up')
    } catch (error) {
      // The caller does not have it yet and cannot delete it.
      await namespace.delete()
      throw error
    }
    return namespace
  }

  /** Runs `ip` commands in it with one process. Each line is a command without the word `ip`. */
  async configure(...lines: readonly string[]): Promise<void> {
    await runIp(['-n', this.name, '-batch', '-'], `${lines.join('\n')}\n`, this.#timeoutMs)
  }

  /** Runs a program in it and waits for its exit. */
  run(program: string, args: readonly string[], options: Partial<CommandOptions> = {}): Promise<CommandResult> {
    return runCommand('nsenter', [this.#nsenterOption, program, ...args], { timeoutMs: this.#timeoutMs, ...options })
  }

  /** Starts a program in it. `nsenter` executes the program, so the pid is the program's. Ctrl-C does not reach the program. */
  spawn(program: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return spawn('nsenter', [this.#nsenterOption, program, ...args], { detached: true, ...options })
  }

  /** An option of `nsenter`. Unlike `ip netns exec`, it mounts nothing, which an ordinary user may not always do. */
  get #nsenterOption(): string {
    return `--net=/run/netns/${this.name}`
  }

  /** Deletes it. A program that still runs in it keeps the namespace alive, without a name. */
  async delete(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await runIp(['netns', 'delete', this.name], '', this.#timeoutMs)
      } catch (error) {
        // Ctrl-C kills an `ip` that has just started and does not have its own session yet.
        if (attempt === MAX_DELETE_ATTEMPTS || !existsSync(`/run/netns/${this.name}`)) throw error
      }
    }
  }
}

async function runIp(args: readonly string[], input: string, timeoutMs: number): Promise<void> {
  const { exitCode, stderr } = await runCommand('ip', args, { input, timeoutMs })
  if (exitCode !== 0) throw ipFailure(args, stderr, input)
}
