import { ProxyFailure } from '../model/failure.js'
import { quoteValue } from '../primitives/quote-value.js'

/** A resource that stays on this machine if the demo is killed. */
export type CreatedResource =
  { readonly namespace: string } | { readonly folder: string } | { readonly emptyFolder: string }

/** Identifies a process: the kernel reuses pids, but not with the same start time. */
export interface ProcessIdentity {
  readonly pid: number
  readonly start: string
}

/** What a demo that was killed has left. */
export interface Leftovers {
  readonly owner: ProcessIdentity
  /** In the order in which they were created. */
  readonly created: CreatedResource[]
}

/** A demo that was killed before it had written its first line: no process has this start time. */
const NO_OWNER: ProcessIdentity = { pid: 0, start: '' }
const RESOURCE_KINDS = ['namespace', 'folder', 'emptyFolder']

/**
 * Reads the record of a demo: the process, then a line for each resource.
 * @param file its path, for the message
 * @throws ProxyFailure `DEMO_IMPOSSIBLE` if a line is damaged: what it names is removed, so nothing is guessed
 */
export function parseLeftoverRecord(text: string, file: string): Leftovers {
  // A last line without line end was not written completely; the demo died before it created that resource.
  const [owner, ...created] = text.split('\n').slice(0, -1)
  return {
    owner: owner === undefined ? NO_OWNER : parseLine(owner, isIdentity, file),
    created: created.map(line => parseLine(line, isResource, file)),
  }
}

function parseLine<T>(line: string, isValid: (value: unknown) => value is T, file: string): T {
  try {
    const value: unknown = JSON.parse(line)
    if (isValid(value)) return value
  } catch {
    // Not JSON. The message quotes it.
  }
  throw new ProxyFailure(
    'DEMO_IMPOSSIBLE',
    `"${file}", the record of an earlier demo, is damaged: ${quoteValue(line)}`,
    {
      hint: 'Delete the network namespaces that it names ("ip netns delete NAME"), then the file',
    },
  )
}

function isIdentity(value: unknown): value is ProcessIdentity {
  const { pid, start } = Object(value) as Record<string, unknown>
  return Number.isSafeInteger(pid) && typeof start === 'string'
}

function isResource(value: unknown): value is CreatedResource {
  const entries = Object.entries(Object(value) as Record<string, unknown>)
  return entries.length === 1 && RESOURCE_KINDS.includes(entries[0]![0]) && typeof entries[0]![1] === 'string'
}
