import { type ServiceSnapshot } from '../../lib/model/snapshot.js'
import { type KernelRules, type ProgramReport, type Proxier } from '../../lib/modes/proxier.js'

/** A place where work can be held up by a test, and let go again. */
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

  async pass(): Promise<void> {
    await this.#wait
  }
}

/**
 * A working proxier whose sockets and kernel are in memory: endpoints by service port, and rules by service port, as
 * what the last finished step made them.
 */
export class MemoryProxier implements Proxier, KernelRules {
  readonly mode = 'userspace'
  readonly family = 'IPv4'
  readonly rules: readonly KernelRules[] = [this]
  /** What sockets serve: service port key to endpoints. */
  endpoints = new Map<string, string>()
  /** What the kernel leads here: service port key to `clusterIP:port`. */
  kernel = new Map<string, string>()
  /** When each program ran, and whether it verified. */
  readonly programs: { readonly at: number; readonly verify: boolean }[] = []
  updates = 0
  /** Most of one kind that ran at one time: must stay 1. */
  mostAtOnce = 0
  readonly updateGate = new Gate()
  readonly programGate = new Gate()
  /** The next programs fail with these; service ports that the next updates cannot open. */
  readonly programFailures: Error[] = []
  readonly updateFailures: number[] = []
  readonly #now: () => number
  #wanted = new Map<string, string>()
  #believed: Map<string, string> | undefined
  #running = { update: 0, program: 0 }

  constructor(now: () => number) {
    this.#now = now
  }

  start(): Promise<void> {
    return Promise.resolve()
  }

  async update(snapshot: ServiceSnapshot): Promise<{ failed: number }> {
    this.#enter('update')
    this.updates++
    await this.updateGate.pass()
    const ports = [...snapshot.ports]
    this.endpoints = new Map(ports.map(([key, { usable }]) => [key, usable.cluster.map(({ ip }) => ip).join(' ')]))
    this.#wanted = new Map(ports.map(([key, { servicePort }]) => [key, `${servicePort.clusterIP}:${servicePort.port}`]))
    this.#running.update--
    return { failed: this.updateFailures.shift() ?? 0 }
  }

  get pending(): boolean {
    return this.#believed === undefined || textOf(this.#believed) !== textOf(this.#wanted)
  }

  async program(verify: boolean): Promise<ProgramReport> {
    this.#enter('program')
    this.programs.push({ at: this.#now(), verify })
    const wanted = this.#wanted
    if (verify) this.#believed = this.kernel
    const changed = this.pending
    this.#believed = undefined
    await this.programGate.pass()
    this.#running.program--
    const failure = this.programFailures.shift()
    if (failure !== undefined) throw failure
    if (changed) this.kernel = new Map(wanted)
    this.#believed = wanted
    return { changed, rules: [{ table: 'nat', owned: wanted.size, written: changed ? wanted.size : 0 }] }
  }

  #enter(kind: 'update' | 'program'): void {
    this.#running[kind]++
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#running[kind])
  }
}

function textOf(rules: ReadonlyMap<string, string>): string {
  return JSON.stringify([...rules])
}
