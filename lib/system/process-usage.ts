import { readFileSync } from 'node:fs'
import { readFile, readdir, stat as statFile } from 'node:fs/promises'
import { processStatFields } from './process-stat-fields.js'

/** What a process uses of the machine. */
export interface ProcessUsage {
  readonly userSeconds: number
  readonly systemSeconds: number
  readonly residentBytes: number
  readonly virtualBytes: number
  readonly openFiles: number
  /** Seconds since 1970. */
  readonly startTime: number
  /** Infinity: no limit. */
  readonly maxOpenFiles: number
  readonly maxVirtualBytes: number
}

/** The kernel reports times in hundredths of a second on every architecture that Node.js runs on (USER_HZ). */
const TICKS_PER_SECOND = 100
/** The name of the limit of open files in `/proc/PID/limits`. */
const OPEN_FILES = 'Max open files'
/** Used when the kernel does not report a limit of open files: the usual soft limit of a login shell. */
const FALLBACK_LIMIT = 1024
/** Used when there is no limit of open files. */
const UNLIMITED_FILES = 1_048_576

/** Reads what a process uses; undefined if it has exited, or if this process may not read it. */
export async function readProcessUsage(pid: number): Promise<ProcessUsage | undefined> {
  const folder = `/proc/${pid}`
  try {
    const [stat, status, limits, openFiles, machineStat] = await Promise.all([
      readFile(`${folder}/stat`, 'utf8'),
      readFile(`${folder}/status`, 'utf8'),
      readFile(`${folder}/limits`, 'utf8'),
      countOpenFiles(folder),
      readFile('/proc/stat', 'utf8'),
    ])
    const parsed = parseProcessUsage({ stat, status, limits, machineStat })
    return parsed && { ...parsed, openFiles }
  } catch {
    return undefined
  }
}

/** The texts of `/proc/PID/stat`, `status`, `limits`, and of `/proc/stat`. */
export interface UsageFiles {
  readonly stat: string
  readonly status: string
  readonly limits: string
  readonly machineStat: string
}

/** Reads the files about a process; undefined if a number is missing. */
export function parseProcessUsage(files: UsageFiles): Omit<ProcessUsage, 'openFiles'> | undefined {
  const { stat, status, limits, machineStat } = files
  const fields = processStatFields(stat)
  // Field 14 of the manual page is the first time.
  const seconds = (field: number): number => readCount(fields[field - 3]) / TICKS_PER_SECOND
  const usage = {
    userSeconds: seconds(14),
    systemSeconds: seconds(15),
    startTime: readCount(/^btime (\d+)$/m.exec(machineStat)?.[1]) + seconds(22),
    residentBytes: kilobytes(status, 'VmRSS'),
    virtualBytes: kilobytes(status, 'VmSize'),
    maxOpenFiles: softLimit(limits, OPEN_FILES),
    maxVirtualBytes: softLimit(limits, 'Max address space'),
  }
  return Object.values(usage).some(Number.isNaN) ? undefined : usage
}

/** Number of files that this process may have open. Node raises its soft limit to the hard limit at the start. */
export function readDescriptorLimit(): number {
  try {
    const limit = softLimit(readFileSync('/proc/self/limits', 'utf8'), OPEN_FILES)
    if (limit === Infinity) return UNLIMITED_FILES
    return Number.isNaN(limit) ? FALLBACK_LIMIT : limit
  } catch {
    return FALLBACK_LIMIT
  }
}

async function countOpenFiles(folder: string): Promise<number> {
  // Since Linux 6.2 the size of the folder is the number of its files. Listing 50,000 files takes tens of milliseconds.
  const { size } = await statFile(`${folder}/fd`)
  return size > 0 ? size : (await readdir(`${folder}/fd`)).length
}

/** NaN: it is no number of the kernel. */
function readCount(text = ''): number {
  return /^\d+$/.test(text) ? Number(text) : NaN
}

/** A process that has exited, but that its parent has not noticed yet, has no such line. */
function kilobytes(status: string, name: string): number {
  return 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0)
}

/** Infinity: there is no limit; NaN: the kernel does not report it. */
function softLimit(limits: string, name: string): number {
  const limit = new RegExp(`^${name}\\s+(\\S+)`, 'm').exec(limits)?.[1]
  return limit === 'unlimited' ? Infinity : readCount(limit)
}
