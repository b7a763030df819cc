import { type DrainingListeners } from './draining-listeners.js'
import { type Shortage, ShortageWatch } from './limits/shortage-watch.js'
import { type ListenerContext, countBudgets } from './listener-context.js'
import { type NodeResources } from './node-resources.js'
import { heldBackToEndForKernel } from './tcp/held-back-connections.js'
import { flowCapacity } from './udp/flow-capacity.js'

/** Milliseconds between two checks for what ends because time passes; fewer with very short timeouts. */
const SWEEP_MS = 1000
const MIN_SWEEP_MS = 10
/** The same for peers that are gone; so long it takes at most until the other side of a connection learns of a reset. */
const PEER_SWEEP_MS = 250

/** What `Sweeps` checks, and whom it reports to. */
export interface SweepsOptions {
  readonly context: ListenerContext
  readonly drainingListeners: DrainingListeners
  readonly node: NodeResources
  /** Whether memory, and not the limit of open files, decides how many descriptors there may be. */
  readonly isLimitedByMemory: boolean
  readonly onShortage: (shortage: Shortage) => void
}

/**
 * Checks, now and then, what all listeners of a process share: ends what ends because time passes, adapts limits to what the node
 * has, and finds shortages. A timer for each connection would cost more.
 */
export class Sweeps {
  readonly #options: SweepsOptions
  readonly #shortageWatch = new ShortageWatch()
  readonly #shortestUdpTimeout: number
  readonly #cancelNext = new Map<object, () => void>()

  /** Starts at once. */
  constructor(options: SweepsOptions) {
    this.#options = options
    const { unpolledConnections, timings } = options.context
    this.#shortestUdpTimeout = Math.min(timings.udpTimeout, timings.udpStreamTimeout)
    this.#setFlowCapacity()
    this.#sweepEvery(Math.min(PEER_SWEEP_MS, timings.halfClosedTimeout / 4), now => unpolledConnections.sweep(now))
    this.#sweepEvery(Math.min(SWEEP_MS, this.#shortestUdpTimeout / 4), now => this.#sweep(now))
  }

  /** No sweep starts from now on. */
  stop(): void {
    for (const cancel of this.#cancelNext.values()) cancel()
  }

  #sweepEvery(periodMs: number, sweep: (now: number) => void): void {
    const { clock } = this.#options.context
    const schedule = (): void => {
      // Sockets keep a process alive. Without any, there is nothing to check.
      this.#cancelNext.set(sweep, clock.after(Math.max(MIN_SWEEP_MS, periodMs), run, { keepsAlive: false }))
    }
    const run = (): void => {
      sweep(clock.now())
      schedule()
    }
    schedule()
  }

  #sweep(now: number): void {
    const { context, drainingListeners } = this.#options
    const { heldBackConnections, descriptorBudget, dialBudget, udpShares } = context
    descriptorBudget.sweep(now)
    dialBudget.sweep(now)
    if (heldBackConnections.size > 0) heldBackConnections.sweep(this.#heldBackToEndForKernel())
    for (const flows of udpShares) flows.expireIdle(now, this.#shortestUdpTimeout)
    this.#setFlowCapacity()
    drainingListeners.removeIdle()
    this.#reportShortages()
  }

  #setFlowCapacity(): void {
    const { context, node } = this.#options
    const { flowBudget, descriptorBudget } = context
    flowBudget.setCapacity(flowCapacity(descriptorBudget.limit, flowBudget.used, node.readUdpPorts(), node.processes))
  }

  #heldBackToEndForKernel(): number {
    const { context, node } = this.#options
    return heldBackToEndForKernel(context.heldBackConnections.size, node.processes, node.readTcpMemory())
  }

  #reportShortages(): void {
    const { context, isLimitedByMemory, onShortage } = this.#options
    const shortages = this.#shortageWatch.check(countBudgets(context), {
      greediest: () => greediestService(context),
      isByMemory: isLimitedByMemory,
    })
    for (const shortage of shortages) onShortage(shortage)
  }
}

function greediestService({ descriptorBudget, tcpShares, udpShares }: ListenerContext): string | undefined {
  const { greediest } = descriptorBudget
  return greediest && (tcpShares.serviceOf(greediest) ?? udpShares.serviceOf(greediest))
}
