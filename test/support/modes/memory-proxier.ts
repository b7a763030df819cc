import { type ServiceSnapshot } from '../../../lib/model/snapshot.js'
import { type KernelRules, type ProgramReport, type Proxier } from '../../../lib/modes/proxier.js'

/** A point at which a test can stop work and let it continue. */
class Gate {
  #wait: Promise<void> | undefined
  #open: () => void = () => undefined

  close(): void {
    this.#wait ??= new Promise(resolve => (this.#open = resolve))
  }

  open(): void {
    this.#open()
    this.#wait = undefined
  }

  async wait(): Promise<void> {
    await this.#wait
  }
}

/**
 * A working proxier whose sockets and kernel are in memory: endpoints by service port, and rules by service port, after
 * the last finished step.
 */
export class MemoryProxier implements Proxier, KernelRules {
  readonly family = 'IPv4'
  readonly rules: readonly KernelRules[] = [this]
  /** The endpoints of the listeners, by service port key. */
  endpoints = new Map<string, string>()
  /** The rules of the kernel: service port key to `clusterIP:port`. */
  kernel = new Map<string, string>()
  /** When each write of rules ran, and whether it verified. */
  readonly programCalls: { readonly at: number; readonly verify: boolean }[] = []
  updateCount = 0
  /** The largest number of steps of one kind that ran at the same time: must stay 1. */
  maxConcurrent = 0
  readonly updateGate = new Gate()
  readonly programGate = new Gate()
  /** Errors of the next writes; service ports that the next updates cannot open. */
  readonly programFailures: Error[] = []
  readonly updateFailures: number[] = []
  /** Errors with which the next updates reject, before they change anything. */
  readonly updateErrors: Error[] = []
  readonly #now: () => number
  #desired = new Map<string, string>()
  #programmed: Map<string, string> | undefined
  #running = { update: 0, program: 0 }

  constructor(now: () => number) {
    this.#now = now
  }

  start(): Promise<void> {
    return Promise.resolve()
  }

  async update(snapshot: ServiceSnapshot): Promise<{ failed: number }> {
    this.#enter('update')
    this.updateCount++
    await this.updateGate.wait()
    const error = this.updateErrors.shift()
    if (error !== undefined) {
      this.#running.update--
      throw error
    }
    const ports = [...snapshot.ports]
    this.endpoints = new Map(ports.map(([key, { usable }]) => [key, usable.cluster.map(({ ip }) => ip).join(' ')]))
    this.#desired = new Map(
      ports.map(([key, { servicePort }]) => [key, `${servicePort.clusterIP}:${servicePort.port}`]),
    )
    this.#running.update--
    return { failed: this.updateFailures.shift() ?? 0 }
  }

  get pending(): boolean {
    return this.#programmed === undefined || fingerprint(this.#programmed) !== fingerprint(this.#desired)
  }

  async program(verify: boolean, onPlanned?: () => void): Promise<ProgramReport> {
    this.#enter('program')
    this.programCalls.push({ at: this.#now(), verify })
    const desired = this.#desired
    if (verify) this.#programmed = this.kernel
    const changed = this.pending
    if (changed) onPlanned?.()
    this.#programmed = undefined
    await this.programGate.wait()
    this.#running.program--
    const failure = this.programFailures.shift()
    if (failure !== undefined) throw failure
    if (changed) this.kernel = new Map(desired)
    this.#programmed = desired
    return { changed, rules: [{ table: 'nat', owned: desired.size, written: changed ? desired.size : 0 }] }
  }

  #enter(kind: 'update' | 'program'): void {
    this.#running[kind]++
    this.maxConcurrent = Math.max(this.maxConcurrent, this.#running[kind])
  }
}

function fingerprint(rules: ReadonlyMap<string, string>): string {
  return JSON.stringify([...rules])
}
