import { readFileSync, readdirSync } from 'node:fs'

/** Ticks per second of CPU time in /proc: USER_HZ, which is 100 on every architecture of Node.js. */
const TICKS_PER_SECOND = 100

/** Some processes and all their descendants. */
export class ProcessTree {
  readonly #roots: readonly number[]

  constructor(roots: readonly number[]) {
    this.#roots = roots
  }

  /**
   * User and system time in seconds, including exited children: the difference of two
   * readings is the time in between.
   */
  cpuSeconds(): number {
    let ticks = 0
    for (const { fields } of this.#members()) for (const field of [11, 12, 13, 14]) ticks += Number(fields[field])
    return ticks / TICKS_PER_SECOND
  }

  /** Memory in bytes; a shared page counts by its share (PSS). */
  pssBytes(): number {
    return this.usage().reduce((sum, { pssBytes }) => sum + pssBytes, 0)
  }

  /** Kills all current processes. */
  kill(): void {
    for (const { pid } of this.#members()) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has exited in the meantime.
      }
    }
  }

  /** The current resources of each process; nothing for a process that has just exited. */
  usage(): ProcessUsage[] {
    return this.#members().map(({ pid }) => {
      const memory = readIfExists(`/proc/${pid}/smaps_rollup`) ?? ''
      const bytesOf = (name: string): number =>
        Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(memory)?.[1] ?? 0) * 1024
      return {
        pid,
        command: (readIfExists(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ').trim(),
        rssBytes: bytesOf('Rss'),
        pssBytes: bytesOf('Pss'),
        descriptors: countDescriptors(pid),
      }
    })
  }

  #members(): ProcessStat[] {
    const all = readdirSync('/proc')
      .filter(name => /^\d+$/.test(name))
      .map(name => readStat(Number(name)))
      .filter(stat => stat !== undefined)
    const members = new Set(this.#roots)
    for (let size = -1; size !== members.size;) {
      size = members.size
      for (const { pid, parent } of all) if (members.has(parent)) members.add(pid)
    }
    return all.filter(({ pid }) => members.has(pid))
  }
}

/** The resources of one process. */
export interface ProcessUsage {
  readonly pid: number
  /** Its program and arguments. */
  readonly command: string
  /** Resident memory, shared or not. */
  readonly rssBytes: number
  /** The same, with shared pages counted by their share. */
  readonly pssBytes: number
  /** Open descriptors. */
  readonly descriptors: number
}

interface ProcessStat {
  readonly pid: number
  readonly parent: number
  /** The fields from the state on, the third field in proc(5): the name before it can contain any character. */
  readonly fields: readonly string[]
}

function readStat(pid: number): ProcessStat | undefined {
  const text = readIfExists(`/proc/${pid}/stat`)
  if (text === undefined) return undefined
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { pid, parent: Number(fields[1]), fields }
}

/** Returns undefined if a process exits during the read. */
function readIfExists(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function countDescriptors(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return 0
  }
}
