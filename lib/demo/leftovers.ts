import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { ProxyFailure, systemCode } from '../model/failure.js'
import { runCommand } from '../system/command.js'

const FOLDER = '/run/kube-proxy-demo'
const COMMAND_LIMIT_MS = 5000

/** Something on this machine that would outlive a demo that is killed. */
type Made = { readonly namespace: string } | { readonly folder: string } | { readonly emptyFolder: string }

/** A process for good: pids are used again, but not with the same start. */
interface Owner {
  readonly pid: number
  readonly start: string
}

/**
 * What a demo makes, written down before it is made. The next demo finds here what one that was killed has left; names
 * alone would not tell, and a network namespace of somebody else must never be removed.
 */
export class Leftovers {
  readonly #file: string

  private constructor(file: string) {
    this.#file = file
  }

  /** Claims the names with this prefix, and removes what a dead demo left. @throws ProxyFailure DEMO_IMPOSSIBLE when one is alive */
  static async claim(prefix: string): Promise<Leftovers> {
    const file = `${FOLDER}/${prefix.replaceAll('/', '_')}made`
    const found = readRecord(file)
    if (found !== undefined) {
      if (isAlive(found.owner)) throw runsAlready(found.owner)
      for (const entry of found.made.reverse()) await remove(entry)
      rmSync(file, { force: true })
    }
    mkdirSync(FOLDER, { recursive: true, mode: 0o700 })
    try {
      writeFileSync(file, `${JSON.stringify({ pid: process.pid, start: startOf(process.pid) })}\n`, { flag: 'wx' })
    } catch (cause) {
      if (systemCode(cause) === 'EEXIST') throw runsAlready(readRecord(file)?.owner)
      throw new ProxyFailure('DEMO_IMPOSSIBLE', `Cannot write "${file}"`, { cause })
    }
    return new Leftovers(file)
  }

  note(made: Made): void {
    appendFileSync(this.#file, `${JSON.stringify(made)}\n`)
  }

  /** Notes a namespace that is about to be made. @throws ProxyFailure DEMO_IMPOSSIBLE when there is one of that name */
  reserve(namespace: string): void {
    if (existsSync(`/run/netns/${namespace}`)) {
      throw new ProxyFailure('DEMO_IMPOSSIBLE', `There is a network namespace "${namespace}" that is not of a demo`, {
        hint: `If nobody needs it: ip netns delete ${namespace}`,
      })
    }
    this.note({ namespace })
  }

  /** Everything has been removed by its maker. */
  forget(): void {
    rmSync(this.#file, { force: true })
    removeEmpty(dirname(this.#file))
  }
}

async function remove(made: Made): Promise<void> {
  if ('namespace' in made) {
    await runCommand('ip', ['netns', 'delete', made.namespace], { timeoutMs: COMMAND_LIMIT_MS })
  } else if ('folder' in made) rmSync(made.folder, { recursive: true, force: true })
  else removeEmpty(made.emptyFolder)
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // Gone already, or others have something in it.
  }
}

function readRecord(file: string): { readonly owner: Owner; readonly made: Made[] } | undefined {
  if (!existsSync(file)) return undefined
  // A last line without its end was being written when the writer died, and what it tells of was not made.
  const [owner, ...made] = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return {
    owner: JSON.parse(owner ?? '{"pid":0,"start":""}') as Owner,
    made: made.map(line => JSON.parse(line) as Made),
  }
}

function isAlive({ pid, start }: Owner): boolean {
  return start !== '' && startOf(pid) === start
}

/** When a process started, in ticks since the machine did; empty when there is none. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field, in parentheses, is a name that may hold anything; the start is the 22nd.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}

function runsAlready(owner: Owner | undefined): ProxyFailure {
  const who = owner === undefined ? '' : ` (process ${owner.pid})`
  return new ProxyFailure('DEMO_IMPOSSIBLE', `Another demo is running on this machine${who}`, {
    hint: 'End it first (Ctrl-C in its terminal)',
  })
}
