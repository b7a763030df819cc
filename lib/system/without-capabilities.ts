import { readFileSync } from 'node:fs'
import { messageOf } from '../model/failure.js'
import { runCommand } from './command.js'
import { summarizeStderr } from './summarize-stderr.js'

/** May take capabilities out of the bounding set: CAP_SETPCAP, as a bit of the kernel's sets. */
const SETPCAP = 1n << 8n
const TIMEOUT_MS = 5000

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

/** How to start a command without capabilities. */
export interface StartWithoutCapabilities {
  /** What to put before the command; nothing if this process has no capabilities, or cannot do that. */
  readonly words: readonly string[]
  /** Why this process cannot do that. */
  readonly obstacle?: string
}

/**
 * Finds out how this process can start a command without capabilities.
 * @param files what the command reads at its start: root without capabilities cannot read what only another user may
 */
export async function withoutCapabilities(files: readonly string[]): Promise<StartWithoutCapabilities> {
  const options = optionsWithoutCapabilities(readOwnRights())
  if (options === 'needless') return { words: [] }
  if (options === 'impossible') return { words: [], obstacle: 'this process does not have the capability SETPCAP' }
  const words = ['setpriv', ...options]
  const obstacle = await tryWords(words, files)
  return obstacle === undefined ? { words } : { words: [], obstacle }
}

/** Why a program that starts in this way could not read these files; undefined: it could. */
async function tryWords(
  [program, ...options]: readonly string[],
  files: readonly string[],
): Promise<string | undefined> {
  try {
    const args = [...options, 'head', '-qc1', ...files]
    const { exitCode, stderr } = await runCommand(program!, args, { timeoutMs: TIMEOUT_MS })
    return exitCode === 0 ? undefined : summarizeStderr(stderr)
  } catch (error) {
    return messageOf(error)
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
