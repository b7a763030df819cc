import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { ProxyFailure, systemCode } from '../model/failure.js'
import { runCommand } from '../system/command.js'

const RECORD_FOLDER = '/run/kube-proxy-demo'
const COMMAND_TIMEOUT_MS = 5000

/** Something on this machine that would outlive a demo that is killed. */
type CreatedResource = { readonly namespace: string } | { readonly folder: string } | { readonly emptyFolder: string }

/** A process for good: pids are used again, but not with the same start. */
interface ProcessIdentity {
  readonly pid: number
  readonly start: string
}

/**
 * What a demo makes, written down before it is made. The next demo finds here what one that was killed has left; names
 * alone would not tell, and a network namespace of somebody else must never be removed.
 */
export class LeftoverRecord {
  readonly #file: string

  private constructor(file: string) {
    this.#file = file
  }

  /** Claims the names with this prefix, and removes what a dead demo left. @throws ProxyFailure DEMO_IMPOSSIBLE when one is alive */
  static async claim(prefix: string): Promise<LeftoverRecord> {
    const file = `${RECORD_FOLDER}/${prefix.replaceAll('/', '_')}made`
    const found = readRecord(file)
    if (found !== undefined) {
      if (isAlive(found.owner)) throw alreadyRunning(found.owner)
      for (const entry of found.made.reverse()) await removeResource(entry)
      rmSync(file, { force: true })
    }
    mkdirSync(RECORD_FOLDER, { recursive: true, mode: 0o700 })
    try {
      writeFileSync(file, `${JSON.stringify({ pid: process.pid, start: processStartTime(process.pid) })}\n`, {
        flag: 'wx',
      })
    } catch (cause) {
      if (systemCode(cause) === 'EEXIST') throw alreadyRunning(readRecord(file)?.owner)
      throw new ProxyFailure('DEMO_IMPOSSIBLE', `Cannot write "${file}"`, { cause })
    }
    return new LeftoverRecord(file)
  }

  record(made: CreatedResource): void {
    appendFileSync(this.#file, `${JSON.stringify(made)}\n`)
  }

  /** Notes a namespace that is about to be made. @throws ProxyFailure DEMO_IMPOSSIBLE when there is one of that name */
  reserve(namespace: string): void {
    if (existsSync(`/run/netns/${namespace}`)) {
      throw new ProxyFailure('DEMO_IMPOSSIBLE', `There is a network namespace "${namespace}" that is not of a demo`, {
        hint: `If nobody needs it: ip netns delete ${namespace}`,
      })
    }
    this.record({ namespace })
  }

  /** Everything has been removed by its maker. */
  deleteRecord(): void {
    rmSync(this.#file, { force: true })
    removeIfEmpty(dirname(this.#file))
  }
}

async function removeResource(made: CreatedResource): Promise<void> {
  if ('namespace' in made) {
    await runCommand('ip', ['netns', 'delete', made.namespace], { timeoutMs: COMMAND_TIMEOUT_MS })
  } else if ('folder' in made) rmSync(made.folder, { recursive: true, force: true })
  else removeIfEmpty(made.emptyFolder)
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // Gone already, or others have something in it.
  }
}

function readRecord(file: string): { readonly owner: ProcessIdentity; readonly made: CreatedResource[] } | undefined {
  if (!existsSync(file)) return undefined
  // A last line without its end was being written when the writer died, and what it tells of was not made.
  const [owner, ...made] = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return {
    owner: JSON.parse(owner ?? '{"pid":0,"start":""}') as ProcessIdentity,
    made: made.map(line => JSON.parse(line) as CreatedResource),
  }
}

function isAlive({ pid, start }: ProcessIdentity): boolean {
  return start !== '' && processStartTime(pid) === start
}

/** When a process started, in ticks since the machine did; empty when there is none. */
function processStartTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field, in parentheses, is a name that may hold anything; the start is the 22nd.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}

function alreadyRunning(owner: ProcessIdentity | undefined): ProxyFailure {
  const who = owner === undefined ? '' : ` (process ${owner.pid})`
  return new ProxyFailure('DEMO_IMPOSSIBLE', `Another demo is running on this machine${who}`, {
    hint: 'End it first (Ctrl-C in its terminal)',
  })
}
