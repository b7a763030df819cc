/** All codes of failures; a test checks that docs/errors.md explains each. */
export type FailureCode =
  | 'CONFIG_INVALID'
  | 'CONFIG_CHANGED'
  | 'CONFIG_NOT_WRITTEN'
  | 'KUBECONFIG_INVALID'
  | 'MANIFEST_INVALID'
  | 'API_UNREACHABLE'
  | 'API_REFUSED'
  | 'PROXY_PORT_UNAVAILABLE'
  | 'PROXY_PORTS_EXHAUSTED'
  | 'DESCRIPTORS_EXHAUSTED'
  | 'PROGRAM_MISSING'
  | 'PROGRAM_FAILED'
  | 'IPTABLES_ABSENT'
  | 'IPTABLES_FORBIDDEN'
  | 'IPTABLES_LOCKED'
  | 'IPTABLES_RESTORE_FAILED'
  | 'RULES_TOO_LARGE'
  | 'IPVS_ABSENT'
  | 'IPVS_FORBIDDEN'
  | 'IPVS_FAILED'
  | 'IPSET_FAILED'
  | 'INTERFACE_FAILED'
  | 'WORKER_FAILED'
  | 'CONTROL_SILENT'
  | 'TAKE_OVER_FAILED'
  | 'HTTP_BIND_FAILED'
  | 'DASHBOARD_FILES_MISSING'
  | 'DASHBOARD_TOKEN_INVALID'
  | 'TEMPORARY_FOLDER_FAILED'
  | 'MODE_IMPOSSIBLE'
  | 'NODE_MISSING'
  | 'NODE_GONE'
  | 'DEMO_IMPOSSIBLE'
  | 'ASK_INVALID'
  | 'LEARN_INVALID'
  | 'EXPLAIN_INVALID'
  | 'DOCTOR_INVALID'
  | 'STATUS_UNAVAILABLE'
  | 'STATUS_INVALID'
  | 'OUTPUT_FAILED'
  | 'CLEANUP_INCOMPLETE'

/** A program, a permission or a part of the kernel is missing: the same process fails in the same way at the next attempt. */
const LASTING: ReadonlySet<FailureCode> = new Set(['PROGRAM_MISSING', 'IPTABLES_ABSENT', 'IPTABLES_FORBIDDEN'])

/** Another program holds a lock, or the system could not start or finish the program. */
const HINDERED: ReadonlySet<FailureCode> = new Set(['IPTABLES_LOCKED', 'PROGRAM_FAILED'])

/** Optional parts of a failure. */
export interface FailureOptions {
  /** The error underneath. */
  readonly cause?: unknown
  /** What the operator can do about it, as a sentence without full stop. */
  readonly hint?: string
  /** What exists in the place of something that does not. */
  readonly exists?: readonly string[]
}

/**
 * The only error type of this program. The message names the action that failed, quotes the value, and says what was
 * expected; `hint` says what to do; `cause` is the error underneath.
 */
export class ProxyFailure extends Error {
  override readonly name = 'ProxyFailure'
  /** The code that docs/errors.md explains. */
  readonly code: FailureCode
  /** What the operator can do; undefined: see docs/errors.md. */
  readonly hint: string | undefined
  /** What exists in the place of something that does not; empty: something else is wrong. */
  readonly exists: readonly string[]

  constructor(code: FailureCode, message: string, options: FailureOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
    this.exists = options.exists ?? []
  }
}

/** Whether another attempt is useless until the operator has changed something. Any other failure may pass. */
export function isLasting(error: unknown): boolean {
  return error instanceof ProxyFailure && LASTING.has(error.code)
}

/** Whether a program was kept from its work by others: it says nothing about what it was to do. */
export function isHindered(error: unknown): boolean {
  return error instanceof ProxyFailure && HINDERED.has(error.code)
}

/** The message of any thrown value, with the messages of its causes: `outer: inner`. */
export function messageOf(error: unknown): string {
  const messages: string[] = []
  // An error can be its own cause by mistake.
  const seen = new Set<unknown>()
  for (let next = error; next !== undefined && !seen.has(next); next = next.cause) {
    seen.add(next)
    if (!(next instanceof Error)) {
      messages.push(String(next))
      break
    }
    // A connection attempt over several addresses fails with all their errors, and without a message.
    const all = next instanceof AggregateError ? next.errors.map(messageOf).join(', ') : ''
    const text = all === '' ? next.message : all
    if (text !== '' && !messages.some(message => message.includes(text))) messages.push(text)
  }
  return messages.length === 0 ? String(error) : messages.join(': ')
}

/** The system's code of an error (`EADDRINUSE`, `ECONNREFUSED`), or undefined. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  return typeof code === 'string' ? code : undefined
}
