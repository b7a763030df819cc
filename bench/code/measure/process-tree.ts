import { readFileSync, readdirSync } from 'node:fs'

/** Ticks in a second, as /proc counts CPU time: USER_HZ, which is 100 on every architecture that Node.js runs on. */
const TICKS_PER_SECOND = 100

/** Some processes and all that came of them. */
export class ProcessTree {
  readonly #roots: readonly number[]

  constructor(roots: readonly number[]) {
    this.#roots = roots
  }

  /**
   * User and system time, in seconds, with that of children that have ended and were waited for: the difference of two
   * readings is what was used between.
   */
  cpuSeconds(): number {
    let ticks = 0
    for (const { fields } of this.#members()) for (const field of [11, 12, 13, 14]) ticks += Number(fields[field])
    return ticks / TICKS_PER_SECOND
  }

  /** Memory in bytes, with what is shared with others counted by its share (PSS). */
  pssBytes(): number {
    return this.usage().reduce((sum, { pssBytes }) => sum + pssBytes, 0)
  }

  /** Kills all of them that are there now. */
  kill(): void {
    for (const { pid } of this.#members()) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended meanwhile.
      }
    }
  }

  /** What each of the processes holds now. One that has just ended holds nothing. */
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

/** What one process holds. */
export interface ProcessUsage {
  readonly pid: number
  /** Its program and arguments. */
  readonly command: string
  /** Memory that is resident, shared or not. */
  readonly rssBytes: number
  /** The same, with what is shared with others counted by its share. */
  readonly pssBytes: number
  /** Open descriptors. */
  readonly descriptors: number
}

interface ProcessStat {
  readonly pid: number
  readonly parent: number
  /** From the state on, the third field of proc(5): so the name before, which may hold anything, does no harm. */
  readonly fields: readonly string[]
}

function readStat(pid: number): ProcessStat | undefined {
  const text = readIfExists(`/proc/${pid}/stat`)
  if (text === undefined) return undefined
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { pid, parent: Number(fields[1]), fields }
}

/** Processes end while one looks. */
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
