import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { ProxyFailure, systemCode } from '../model/failure.js'
import { runCommand } from '../system/command.js'
import {
  type CreatedResource,
  type Leftovers,
  type ProcessIdentity,
  parseLeftoverRecord,
} from './parse-leftover-record.js'

const RECORD_FOLDER = '/run/kube-proxy-demo'
const COMMAND_TIMEOUT_MS = 5000

/**
 * A file with everything that the demo creates, written before it is created. If a demo was killed, the next one reads here what
 * to remove. It must not go by names: a network namespace with such a name may belong to another program.
 */
export class LeftoverRecord {
  readonly #file: string

  private constructor(file: string) {
    this.#file = file
  }

  /** Reserves the names with this prefix and removes what a killed demo has left. @throws ProxyFailure DEMO_IMPOSSIBLE if a demo with this prefix runs */
  static async create(prefix: string): Promise<LeftoverRecord> {
    const file = `${RECORD_FOLDER}/${prefix.replaceAll('/', '_')}made`
    const previous = readRecord(file)
    if (previous !== undefined) {
      if (isAlive(previous.owner)) throw alreadyRunning(previous.owner)
      for (const entry of previous.created.reverse()) await removeResource(entry)
      rmSync(file, { force: true })
    }
    try {
      mkdirSync(RECORD_FOLDER, { recursive: true, mode: 0o700 })
      writeFileSync(file, `${JSON.stringify({ pid: process.pid, start: processStartTime(process.pid) })}\n`, {
        flag: 'wx',
      })
    } catch (cause) {
      if (systemCode(cause) === 'EEXIST') throw alreadyRunning(readRecord(file)?.owner)
      throw new ProxyFailure('DEMO_IMPOSSIBLE', `Cannot write "${file}"`, { cause })
    }
    return new LeftoverRecord(file)
  }

  /** Records a resource that the demo is about to create. */
  record(resource: CreatedResource): void {
    appendFileSync(this.#file, `${JSON.stringify(resource)}\n`)
  }

  /** Records a namespace that the demo is about to create. @throws ProxyFailure DEMO_IMPOSSIBLE if the name is in use */
  reserve(namespace: string): void {
    if (existsSync(`/run/netns/${namespace}`)) {
      throw new ProxyFailure('DEMO_IMPOSSIBLE', `A network namespace "${namespace}" exists that no demo has created`, {
        hint: `If it is not needed, delete it: ip netns delete ${namespace}`,
      })
    }
    this.record({ namespace })
  }

  /** Deletes the file: the demo has removed everything itself. */
  deleteRecord(): void {
    rmSync(this.#file, { force: true })
    removeIfEmpty(dirname(this.#file))
  }
}

async function removeResource(resource: CreatedResource): Promise<void> {
  if ('namespace' in resource) {
    await runCommand('ip', ['netns', 'delete', resource.namespace], { timeoutMs: COMMAND_TIMEOUT_MS })
  } else if ('folder' in resource) rmSync(resource.folder, { recursive: true, force: true })
  else removeIfEmpty(resource.emptyFolder)
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // It is gone already, or another program has files in it.
  }
}

function readRecord(file: string): Leftovers | undefined {
  return existsSync(file) ? parseLeftoverRecord(readFileSync(file, 'utf8'), file) : undefined
}

function isAlive({ pid, start }: ProcessIdentity): boolean {
  return start !== '' && processStartTime(pid) === start
}

/** When a process started, in clock ticks since the machine started; empty if there is no such process. */
function processStartTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field, in parentheses, is a name that can contain any character. The start time is the 22nd field.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}

function alreadyRunning(owner: ProcessIdentity | undefined): ProxyFailure {
  const who = owner === undefined ? '' : ` (process ${owner.pid})`
  return new ProxyFailure('DEMO_IMPOSSIBLE', `Another demo is running on this machine${who}`, {
    hint: 'Stop it first: press Ctrl-C in its terminal',
  })
}
