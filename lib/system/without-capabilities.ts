import { readFileSync } from 'node:fs'
import { ProxyFailure, messageOf } from '../model/failure.js'
import { runCommand } from './command.js'
import { summarizeStderr } from './summarize-stderr.js'

/** May take capabilities out of the bounding set: CAP_SETPCAP, as a bit of the kernel's sets. */
const SETPCAP = 1n << 8n
const TIMEOUT_MS = 5000
/** Reads a file, as Node.js does with the script that it starts, and says in one line why it cannot. */
const READ_SCRIPT = `try { fs.readFileSync(process.argv[1]) } catch (error) { console.error(error.message); process.exit(1) }`

/** What a process may do besides what its user may. */
export interface ProcessRights {
  readonly isRoot: boolean
  /** A set of capabilities: bit n is the one with number n. */
  readonly capabilities: bigint
}

/** Reads the effective capabilities from a `/proc/PID/status`; undefined if it does not have them. */
export function parseCapabilities(status: string): bigint | undefined {
  const digits = /^CapEff:\s*([0-9a-f]{1,16})$/m.exec(status)?.[1]
  return digits === undefined ? undefined : BigInt(`0x${digits}`)
}

/**
 * The options of `setpriv` with which a process with these rights starts a program that has no capability, and cannot get one. The program
 * keeps its user: only so may the two read about each other and end each other.
 */
export function optionsWithoutCapabilities({
  isRoot,
  capabilities,
}: ProcessRights): readonly string[] | 'needless' | 'impossible' {
  if (capabilities === 0n) return 'needless'
  const options = ['--no-new-privs', '--inh-caps=-all', '--ambient-caps=-all']
  // A program that another user starts has only capabilities that are ambient. Root's has all of the bounding set.
  if (!isRoot) return options
  return (capabilities & SETPCAP) === 0n ? 'impossible' : [...options, '--bounding-set=-all']
}

/** How to start Node.js without capabilities. */
export interface StartWithoutCapabilities {
  /** What to put before the command; nothing if this process has no capabilities, or cannot do that. */
  readonly words: readonly string[]
  /** Why this process cannot do that. */
  readonly obstacle?: Obstacle
}

/** Why no program can be started without capabilities. */
export interface Obstacle {
  readonly reason: string
  /** Whether it is what this node, or its operator, has chosen: `setpriv` is not installed, or this process does not have SETPCAP. */
  readonly isExpected: boolean
}

/**
 * Finds out how this process can start a script of Node.js without capabilities. It tries that with Node.js itself: the kernel does not
 * start a program without the capabilities that its file has (`setcap`), and root without capabilities cannot read what only another
 * user may.
 */
export async function withoutCapabilities(script: string): Promise<StartWithoutCapabilities> {
  const options = optionsWithoutCapabilities(readOwnRights())
  if (options === 'needless') return { words: [] }
  if (options === 'impossible')
    return {
      words: [],
      obstacle: { reason: 'this process does not have the capability SETPCAP', isExpected: true },
    }
  const words = ['setpriv', ...options]
  const obstacle = await tryWords(words, script)
  return obstacle === undefined ? { words } : { words: [], obstacle }
}

/** Why Node.js, started in this way, could not read its script; undefined: it could. */
async function tryWords([program, ...options]: readonly string[], script: string): Promise<Obstacle | undefined> {
  try {
    const args = [...options, process.execPath, '-e', READ_SCRIPT, script]
    const { exitCode, stderr } = await runCommand(program!, args, { timeoutMs: TIMEOUT_MS })
    return exitCode === 0 ? undefined : { reason: summarizeStderr(stderr), isExpected: false }
  } catch (error) {
    const isExpected = error instanceof ProxyFailure && error.code === 'PROGRAM_MISSING'
    return { reason: messageOf(error), isExpected }
  }
}

/** Without /proc, no capability is known. */
function readOwnRights(): ProcessRights {
  const isRoot = process.geteuid?.() === 0
  try {
    return { isRoot, capabilities: parseCapabilities(readFileSync('/proc/self/status', 'utf8')) ?? 0n }
  } catch {
    return { isRoot, capabilities: 0n }
  }
}
