import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs'
import { processStatFields } from './process-stat-fields.js'

/** What the kernel says of a process. A process can change its title; it can change none of these. */
export interface ProcessFacts {
  readonly pid: number
  /** In clock ticks since the boot: with the pid, it names one process forever. */
  readonly startTime: string
  readonly parentPid: number
  readonly userId: number
  /** The path of the program file. */
  readonly program: string
  /** The name of the network namespace, such as `net:[4026531840]`. */
  readonly networkNamespace: string
  /** The environment with which the program was started. */
  readonly environment: readonly string[]
}

/** The ids of all processes. */
export function listProcessIds(): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
}

/** Reads the facts of a process; undefined if it has exited, or if this process may not read them. */
export function readProcessFacts(pid: number): ProcessFacts | undefined {
  const folder = `/proc/${pid}`
  try {
    const { startTime, parentPid } = readStat(pid)
    return {
      pid,
      startTime,
      parentPid,
      userId: statSync(folder).uid,
      // The kernel adds this when the file was replaced, as by an update.
      program: readlinkSync(`${folder}/exe`).replace(/ \(deleted\)$/, ''),
      networkNamespace: readlinkSync(`${folder}/ns/net`),
      environment: readFileSync(`${folder}/environ`, 'utf8').split('\0'),
    }
  } catch {
    return undefined
  }
}

/** When a process was started; undefined if it has exited. */
export function readStartTime(pid: number): string | undefined {
  try {
    return readStat(pid).startTime
  } catch {
    return undefined
  }
}

/**
 * Whether a debugger holds a process now. False if this process may not read it: where processes are hidden (the option hidepid of
 * /proc), a worker without capabilities cannot read about its parent, but can end it.
 */
export function isTraced(pid: number): boolean {
  try {
    return !/^TracerPid:\s*0$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** Whether Node.js's debugger may stop this process at breakpoints. */
export function hasInspector(): boolean {
  return process.execArgv.some(option => option.startsWith('--inspect'))
}

/** Whether a process holds a socket that listens for TCP or is bound for UDP, in its network namespace. */
export function holdsBoundSocket(pid: number): boolean {
  try {
    const held = new Set(
      readdirSync(`/proc/${pid}/fd`).map(fd => /^socket:\[(\d+)\]$/.exec(readLink(`/proc/${pid}/fd/${fd}`))?.[1]),
    )
    return ['tcp', 'tcp6', 'udp', 'udp6'].some(table =>
      parseBoundSockets(readFileSync(`/proc/${pid}/net/${table}`, 'utf8')).some(inode => held.has(inode)),
    )
  } catch {
    return false
  }
}

/** Listening for TCP; not connected, for UDP. */
const BOUND_STATES = ['0A', '07']

/** Reads a list of sockets, such as `/proc/net/tcp`: the inodes of those that listen or are bound. */
export function parseBoundSockets(text: string): string[] {
  return text.split('\n').flatMap(line => {
    // `sl local remote state queues timer retransmits uid timeout inode …`, after a line of headings
    const { 3: state = '', 9: inode = '' } = line.trim().split(/\s+/)
    return BOUND_STATES.includes(state) && /^\d+$/.test(inode) ? [inode] : []
  })
}

/** A descriptor may be closed while all are read. */
function readLink(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

/** What `/proc/PID/stat` says. */
interface ProcessStat {
  readonly parentPid: number
  readonly startTime: string
}

/** @throws Error if the process has exited */
function readStat(pid: number): ProcessStat {
  const stat = parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  if (stat === undefined) throw new Error('The process has exited')
  return stat
}

/** Reads `/proc/PID/stat`; undefined if the process has exited, or if the text has not both values. */
export function parseProcessStat(text: string): ProcessStat | undefined {
  const fields = processStatFields(text)
  // The start time is field 22 of the manual page.
  const [state, parentPid = '', startTime = '', threads] = [fields[0], fields[1], fields[19], fields[17]]
  // Its first thread may end before others, which still hold the files.
  if (state === 'Z' && threads === '1') return undefined
  return /^\d+$/.test(parentPid) && /^\d+$/.test(startTime) ? { parentPid: Number(parentPid), startTime } : undefined
}
