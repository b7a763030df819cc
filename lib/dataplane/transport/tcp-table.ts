import { readFile } from 'node:fs/promises'
import { endianness } from 'node:os'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { ipBytes } from '../../model/address.js'
import { systemCode } from '../../model/failure.js'
import { type SocketAddress } from './upstream-sockets.js'

/** The kernel's lists of this network namespace: the file, and the length of both ends of a connection in a line. */
const LISTS = [
  { file: '/proc/net/tcp', endsLength: 27 },
  { file: '/proc/net/tcp6', endsLength: 75 },
] as const
/**
 * To read 20,000 connections takes 60 ms, two thirds of them in the kernel: this many for each byte of the list. Measured each time, it would
 * also be the time that a busy process keeps the reading waiting.
 */
const MS_PER_BYTE = 0.00002
/** Pauses keep that at one percent of the time. */
const PAUSE_FACTOR = 99
const MIN_PAUSE_MS = 500
/** Entries that are looked at in one turn of the event loop; some two milliseconds. */
const ENTRIES_PER_TURN = 2000
/** States in which the peer has sent the end of its data: TIME_WAIT, CLOSE_WAIT, LAST_ACK, CLOSING. */
const ENDED_STATES = new Set(['06', '08', '09', '0B'])
const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]

/** What the kernel's list says of a connection: it is there; the peer has sent the end of its data; it is not there any more. */
export type TcpTableState = 'open' | 'ended' | 'absent'

/** What the list says of one connection. */
export interface TcpTableEntry {
  readonly state: TcpTableState
  /** Bytes that this side has written and the peer has not acknowledged. */
  readonly unacknowledged: number
  /** When the list was read, by `performance.now()`. */
  readonly readAt: number
}

/** Takes what the lists say of one connection. */
export type Answer = (entry: TcpTableEntry) => void

/**
 * Asks the kernel's list of TCP connections for the state of some of them. Node.js's public API has no other way once the write side of a
 * socket has ended. All questions share one reading of the list; a long list is read less often.
 */
export class TcpTable {
  /** The answers that are wanted, by both ends of the connection. */
  #wanted = new Map<string, Answer>()
  /**
   * What the last reading did not find. The kernel gives the list in pieces, and may leave out an entry whose neighbours change in
   * between: only what two readings in a row do not find is absent.
   */
  #missing: ReadonlySet<string> = new Set()
  #timer: NodeJS.Timeout | undefined
  #isReading = false
  #nextReading = 0
  readonly #readList: (file: string) => Promise<string | undefined>

  /** @param read reads a file of the kernel; undefined if it cannot be read */
  constructor(read = readList) {
    this.#readList = read
  }

  /** Answers after the next reading of the list; not at all if it cannot be read. */
  ask(local: SocketAddress, remote: SocketAddress, answer: Answer): void {
    this.#wanted.set(`${toListForm(local)} ${toListForm(remote)}`, answer)
    if (this.#isReading || this.#timer !== undefined) return
    // A real timer: the pauses are for the sake of the CPU.
    this.#timer = setTimeout(() => void this.#read(), Math.max(0, this.#nextReading - performance.now())).unref()
  }

  async #read(): Promise<void> {
    this.#timer = undefined
    this.#isReading = true
    const start = performance.now()
    const wanted = this.#wanted
    this.#wanted = new Map()
    const lists = await Promise.all(LISTS.map(({ file }) => this.#readList(file)))
    // Without one of the lists, its connections would seem to be absent.
    if (lists.every(list => list !== undefined))
      this.#missing = await answerFromLists(lists, start, wanted, this.#missing)
    const bytes = lists.reduce((sum, list) => sum + (list?.length ?? 0), 0)
    this.#nextReading = performance.now() + Math.max(MIN_PAUSE_MS, PAUSE_FACTOR * MS_PER_BYTE * bytes)
    this.#isReading = false
  }
}

/** A kernel without IPv6 has no list of it. Undefined if the list cannot be read, for example without a free descriptor. */
async function readList(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'latin1')
  } catch (error) {
    return systemCode(error) === 'ENOENT' ? '' : undefined
  }
}

/**
 * Reads the kernel's two lists, and answers for each connection that they have.
 * @returns what was not found, for the next reading
 */
export async function answerFromLists(
  lists: readonly string[],
  readAt: number,
  wanted: Map<string, Answer>,
  missingBefore: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  let entries = 0
  for (const [index, list] of lists.entries()) {
    const { endsLength } = LISTS[index]!
    // `  17: 0100007F:1F90 0100007F:D431 01 00000000:00000000 …`, after a line of headings
    for (let line = list.indexOf('\n') + 1; line > 0; line = list.indexOf('\n', line) + 1) {
      if (++entries % ENTRIES_PER_TURN === 0) await nextTurn()
      const number = list.indexOf(': ', line)
      if (number < 0) break
      const ends = number + 2
      const key = list.slice(ends, ends + endsLength)
      const answer = wanted.get(key)
      if (answer === undefined) continue
      wanted.delete(key)
      const at = ends + endsLength + 1
      const state = ENDED_STATES.has(list.slice(at, at + 2)) ? 'ended' : 'open'
      answer({ state, unacknowledged: parseInt(list.slice(at + 3, at + 11), 16), readAt })
    }
  }
  for (const [key, answer] of wanted) if (missingBefore.has(key)) answer({ state: 'absent', unacknowledged: 0, readAt })
  return new Set([...wanted.keys()].filter(key => !missingBefore.has(key)))
}

/** An address and port as the kernel lists them: words of 32 bits in the order of this machine's bytes. */
function toListForm({ ip, port }: SocketAddress): string {
  const bytes = [...(ipBytes(ip.split('%')[0]!) ?? [])]
  // A socket of both families lists IPv4 as a part of IPv6.
  if (ip.includes(':') && bytes.length === 4) bytes.unshift(...MAPPED_PREFIX)
  let text = ''
  for (let word = 0; word < bytes.length; word += 4) {
    const part = bytes.slice(word, word + 4)
    if (endianness() === 'LE') part.reverse()
    for (const byte of part) text += toHex(byte, 2)
  }
  return `${text}:${toHex(port, 4)}`
}

function toHex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0')
}
