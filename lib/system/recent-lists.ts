import { readFileSync, readdirSync } from 'node:fs'
import { type IpAddress, parseIp } from '../model/address.js'

const FOLDER = '/proc/net/xt_recent'
const TIMERS = '/proc/timer_list'
/** The kernel's counter of ticks begins five minutes before it overflows 32 bits (INITIAL_JIFFIES of linux/jiffies.h). */
const FIRST_TICKS = 2 ** 32
const SECONDS_BEFORE_OVERFLOW = 300

/** The addresses in a list, with the tick at which each was added last. */
export type RecentList = ReadonlyMap<IpAddress, number>

/** The kernel's clock of ticks. */
export interface KernelTicks {
  readonly now: number
  readonly perSecond: number
}

/** The lists of `-m recent` by name. Empty where the kernel has none, or this process may not read them. */
export function readRecentLists(): Map<string, RecentList> {
  try {
    return new Map(readdirSync(FOLDER).map(name => [name, parseRecentList(readList(name))]))
  } catch {
    return new Map()
  }
}

/** One list of `-m recent`: there may be thousands. Empty where the kernel does not have it, or this process may not read it. */
export function readRecentList(name: string): RecentList {
  try {
    return parseRecentList(readList(name))
  } catch {
    return new Map()
  }
}

function readList(name: string): string {
  return readFileSync(`${FOLDER}/${name}`, 'utf8')
}

/** Reads lines such as `src=10.244.0.2 ttl: 64 last_seen: 4296082234 oldest_pkt: 1 4296082234`. */
export function parseRecentList(text: string): RecentList {
  const entries = [...text.matchAll(/^src=(\S+) .*\blast_seen: (\d+)/gm)].flatMap(([, address, ticks]) => {
    const ip = parseIp(address)
    return ip === undefined ? [] : [[ip, Number(ticks)] as const]
  })
  return new Map(entries)
}

/** Reads the clock; undefined if this process may not. */
export function readKernelTicks(): KernelTicks | undefined {
  try {
    return parseKernelTicks(readFileSync(TIMERS, 'utf8'))
  } catch {
    return undefined
  }
}

/** Reads /proc/timer_list: the time since the start of the kernel, and its ticks. */
export function parseKernelTicks(text: string): KernelTicks | undefined {
  const nanoseconds = /^now at (\d+) nsecs/m.exec(text)?.[1]
  const ticks = /^\s*\.last_jiffies\s*: (\d+)/m.exec(text)?.[1] ?? /^jiffies: (\d+)/m.exec(text)?.[1]
  if (nanoseconds === undefined || ticks === undefined) return undefined
  const perSecond = (Number(ticks) - FIRST_TICKS) / (Number(nanoseconds) / 1e9 - SECONDS_BEFORE_OVERFLOW)
  return perSecond > 0 && Number.isFinite(perSecond)
    ? { now: Number(ticks), perSecond: Math.round(perSecond) }
    : undefined
}
