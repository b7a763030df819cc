import {
  type BudgetCounts,
  type Budgets,
  type MemoryCounts,
  type SharedBudgetCounts,
  type TrafficCounts,
  zeroTrafficCounts,
} from '../dataplane/data-plane.js'
import { type ServicePortKey } from '../model/service-port.js'
import { type WorkerId } from './assign-listeners.js'
import { type WorkerTraffic } from './worker-link.js'

const ZERO_COUNTS: BudgetCounts = { used: 0, limit: 0, waited: 0, shed: 0 }
const ZERO_SHARED_COUNTS: SharedBudgetCounts = { ...ZERO_COUNTS, evicted: 0 }
const ZERO_MEMORY: MemoryCounts = {
  heldBack: ZERO_SHARED_COUNTS,
  unanswered: ZERO_SHARED_COUNTS,
  sendQueue: ZERO_SHARED_COUNTS,
  affinity: ZERO_SHARED_COUNTS,
}

/**
 * Adds up the counts of all workers. The last known counts of a listener stay in the sum when its worker exits, gives the
 * listener away or opens it again, because a counter must not go backwards.
 */
export class CounterAggregate {
  /** The last counts of each running worker. */
  readonly #latest = new Map<WorkerId, WorkerTraffic>()
  /** Counts of listeners from workers that no longer hold them. */
  readonly #retained = new Map<ServicePortKey, TrafficCounts>()
  /** Counts of workers that have exited. */
  #endedBudgets: Budgets = {
    descriptors: ZERO_SHARED_COUNTS,
    flows: ZERO_SHARED_COUNTS,
    dials: ZERO_COUNTS,
    memory: ZERO_MEMORY,
  }

  /** Takes the current counts of a worker. */
  update(worker: WorkerId, counts: WorkerTraffic): void {
    const before = this.#latest.get(worker)
    for (const [key, traffic] of before?.traffic ?? []) {
      const now = counts.traffic.get(key)
      if (now === undefined || now.connections < traffic.connections) this.#retain(key, traffic)
    }
    this.#latest.set(worker, counts)
  }

  /** A worker has exited: its counters stay in the sum, its gauges do not. */
  removeWorker(worker: WorkerId): void {
    const before = this.#latest.get(worker)
    if (before === undefined) return
    this.#latest.delete(worker)
    for (const [key, traffic] of before.traffic) this.#retain(key, traffic)
    const { descriptors, flows, dials, memory } = before.budgets
    this.#endedBudgets = addBudgets(this.#endedBudgets, {
      descriptors: withoutGauges(descriptors),
      flows: withoutGauges(flows),
      dials: withoutGauges(dials),
      memory: mapMemory(memory, withoutGauges),
    })
  }

  /** Removes the counts of listeners that no longer exist. A later listener with the same key starts at zero. */
  retainListeners(has: (key: ServicePortKey) => boolean): void {
    for (const key of this.#retained.keys()) if (!has(key)) this.#retained.delete(key)
    for (const [worker, counts] of this.#latest) {
      const traffic = new Map([...counts.traffic].filter(([key]) => has(key)))
      if (traffic.size < counts.traffic.size) this.#latest.set(worker, { ...counts, traffic })
    }
  }

  /** The sum over all workers, by listener. */
  getTraffic(): ReadonlyMap<ServicePortKey, Readonly<TrafficCounts>> {
    const total = new Map<ServicePortKey, TrafficCounts>()
    for (const counted of [this.#retained, ...[...this.#latest.values()].map(({ traffic }) => traffic)])
      for (const [key, traffic] of counted) total.set(key, addTraffic(total.get(key) ?? zeroTrafficCounts(), traffic))
    return total
  }

  /** The sum over all workers. */
  getBudgets(): Budgets {
    return [...this.#latest.values()].reduce((total, { budgets }) => addBudgets(total, budgets), this.#endedBudgets)
  }

  #retain(key: ServicePortKey, traffic: Readonly<TrafficCounts>): void {
    this.#retained.set(
      key,
      addTraffic(this.#retained.get(key) ?? zeroTrafficCounts(), { ...traffic, active: 0, ejected: 0 }),
    )
  }
}

function addTraffic(a: Readonly<TrafficCounts>, b: Readonly<TrafficCounts>): TrafficCounts {
  const total = zeroTrafficCounts()
  for (const name of Object.keys(total) as (keyof TrafficCounts)[]) total[name] = a[name] + b[name]
  // Several workers may have ejected the same endpoint.
  return { ...total, ejected: Math.max(a.ejected, b.ejected) }
}

function addBudgets(a: Budgets, b: Budgets): Budgets {
  return {
    descriptors: addSharedCounts(a.descriptors, b.descriptors),
    flows: addSharedCounts(a.flows, b.flows),
    dials: addBudgetCounts(a.dials, b.dials),
    memory: mapMemory(a.memory, (counts, purpose) => addSharedCounts(counts, b.memory[purpose])),
  }
}

function mapMemory(
  { heldBack, unanswered, sendQueue, affinity }: MemoryCounts,
  map: (counts: SharedBudgetCounts, purpose: keyof MemoryCounts) => SharedBudgetCounts,
): MemoryCounts {
  return {
    heldBack: map(heldBack, 'heldBack'),
    unanswered: map(unanswered, 'unanswered'),
    sendQueue: map(sendQueue, 'sendQueue'),
    affinity: map(affinity, 'affinity'),
  }
}

function addBudgetCounts(a: BudgetCounts, b: BudgetCounts): BudgetCounts {
  return {
    used: a.used + b.used,
    limit: a.limit + b.limit,
    waited: a.waited + b.waited,
    shed: a.shed + b.shed,
  }
}

function addSharedCounts(a: SharedBudgetCounts, b: SharedBudgetCounts): SharedBudgetCounts {
  return { ...addBudgetCounts(a, b), evicted: a.evicted + b.evicted }
}

function withoutGauges<Counts extends BudgetCounts>(counts: Counts): Counts {
  return { ...counts, used: 0, limit: 0 }
}
