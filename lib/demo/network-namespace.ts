import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { ProxyFailure } from '../model/failure.js'
import { type CommandOptions, type CommandResult, runCommand } from '../system/command.js'

const COMMAND_TIMEOUT_MS = 20_000
/** How often a namespace is tried to be removed. */
const MAX_DELETE_ATTEMPTS = 3

/** One network namespace: a host or a Pod of a small network on this machine, with its own interfaces, routes and rules. */
export class NetworkNamespace {
  /** As `ip netns` knows it. */
  readonly name: string

  private constructor(name: string) {
    this.name = name
  }

  /** Makes it, with nothing in it but a working loopback. @throws ProxyFailure PROGRAM_FAILED */
  static async create(name: string): Promise<NetworkNamespace> {
    await runIp(['netns', 'add', name], '')
    const namespace = new NetworkNamespace(name)
    try {
      await namespace.configure('link set lo up')
    } catch (error) {
      // Nobody else knows of it yet.
      await namespace.delete()
      throw error
    }
    return namespace
  }

  /** Runs `ip` commands in it, one on each line, as they are written after `ip`. All in one process. */
  async configure(...lines: readonly string[]): Promise<void> {
    await runIp(['-n', this.name, '-batch', '-'], `${lines.join('\n')}\n`)
  }

  /** Runs a program in it and waits for its end. */
  run(program: string, args: readonly string[], options: Partial<CommandOptions> = {}): Promise<CommandResult> {
    return runCommand('nsenter', [this.#nsenterOption, program, ...args], { timeoutMs: COMMAND_TIMEOUT_MS, ...options })
  }

  /** Starts a program in it. `nsenter` becomes that program, so its pid is the program's. Ctrl-C does not reach it. */
  spawn(program: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return spawn('nsenter', [this.#nsenterOption, program, ...args], { detached: true, ...options })
  }

  /** As an option of `nsenter`, which unlike `ip netns exec` need not mount anything: an ordinary user may not always. */
  get #nsenterOption(): string {
    return `--net=/run/netns/${this.name}`
  }

  /** Removes it. What still runs in it keeps it alive, without a name. */
  async delete(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await runIp(['netns', 'delete', this.name], '')
      } catch (error) {
        // A Ctrl-C meets a program that is being started before it is in a session of its own.
        if (attempt === MAX_DELETE_ATTEMPTS || !existsSync(`/run/netns/${this.name}`)) throw error
      }
    }
  }
}

async function runIp(args: readonly string[], input: string): Promise<void> {
  const { exitCode, stderr } = await runCommand('ip', args, { input, timeoutMs: COMMAND_TIMEOUT_MS })
  if (exitCode === 0) return
  throw new ProxyFailure(
    'PROGRAM_FAILED',
    `"ip ${args.join(' ')}" failed: ${stderr.trim()}${input === '' ? '' : `, in:\n${input}`}`,
  )
}
