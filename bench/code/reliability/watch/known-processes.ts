import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { ANOTHER_PROGRAM, EXITING_PROCESS } from './rule-watch.js'

interface KnownProcess {
  /** The name of its proxy. */
  readonly proxy: string
  /** Its proxy's first process. */
  readonly control: number
}

/** The processes of the proxies of a case, also those that outlive the process that started them. */
export class KnownProcesses {
  readonly #known = new Map<number, KnownProcess>()

  /** @param control its first process */
  add(proxy: string, control: number): void {
    this.#known.set(control, { proxy, control })
  }

  /** Remembers the workers of all known processes. */
  update(): void {
    for (const [pid, known] of this.#known)
      for (const child of childrenOf(pid)) if (!this.#known.has(child) && isWorker(child)) this.#known.set(child, known)
  }

  /**
   * Names the proxy that accepts from a listening socket, or what else has it.
   * @param inode that of the socket
   * @returns undefined if no process has it
   */
  describeHolder(inode: string): string | undefined {
    const holders = [...this.#known].filter(([pid]) => holdsSocket(`${pid}`, inode))
    const worker = holders.find(([pid, { control }]) => pid !== control)
    const [, holder] = worker ?? holders[0] ?? []
    if (holder === undefined) return this.#describeUnknown(inode)
    if (!existsSync(`/proc/${holder.control}/exe`)) return `${holder.proxy}, its workers alone`
    const hasWorkers = [...this.#known].some(([pid, { control }]) => control === holder.control && pid !== control)
    return worker === undefined && hasWorkers ? `${holder.proxy}, waiting for a worker` : holder.proxy
  }

  #describeUnknown(inode: string): string | undefined {
    // The main thread of a killed process may have given up its descriptors while other threads have not ended.
    if (
      [...this.#known.keys()].some(pid =>
        namesIn(`/proc/${pid}/task`).some(id => holdsSocket(`${pid}/task/${id}`, inode)),
      )
    )
      return EXITING_PROCESS
    const holder = namesIn('/proc').find(name => /^\d+$/.test(name) && holdsSocket(name, inode))
    return holder === undefined ? undefined : `${ANOTHER_PROGRAM} (${readCommand(holder)})`
  }
}

function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    return text.split(' ').flatMap(each => (each === '' ? [] : [Number(each)]))
  } catch {
    return []
  }
}

/** Other children, such as those that write rules, hold sockets only until they start their program. */
function isWorker(pid: number): boolean {
  try {
    return /\bworker\b/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
  } catch {
    return false
  }
}

/** @param task a process or thread, as in /proc */
function holdsSocket(task: string, inode: string): boolean {
  const folder = `/proc/${task}/fd`
  return namesIn(folder).some(fd => readLink(`${folder}/${fd}`) === `socket:[${inode}]`)
}

/** Empty if the process has exited in the meantime. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function readCommand(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim()
  } catch {
    return 'gone'
  }
}

/** Returns undefined if the descriptor was closed in the meantime. */
function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
