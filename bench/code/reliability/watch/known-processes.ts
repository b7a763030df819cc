import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'

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

  /** Names the proxy that accepts from a listening socket. @param inode that of the socket */
  describeHolder(inode: string): string {
    const holders = [...this.#known].filter(([pid]) => holdsSocket(pid, inode))
    const worker = holders.find(([pid, { control }]) => pid !== control)
    const [, holder] = worker ?? holders[0] ?? []
    if (holder === undefined) return 'another program'
    if (!existsSync(`/proc/${holder.control}/exe`)) return `${holder.proxy}, its workers alone`
    const hasWorkers = [...this.#known].some(([pid, { control }]) => control === holder.control && pid !== control)
    return worker === undefined && hasWorkers ? `${holder.proxy}, waiting for a worker` : holder.proxy
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

function holdsSocket(pid: number, inode: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some(fd => readLink(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`)
  } catch {
    return false
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
