import { readProcessUsage, type ProcessUsage } from '../system/process-usage.js'
import { type MetricRegistry } from './metric-registry.js'

/** A process of the proxy. */
export interface ObservedProcess {
  readonly pid: number
  /** The number of the data-plane worker; undefined: the control process. */
  readonly worker: number | undefined
}

const LABELS = ['worker'] as const

/**
 * What each process of the proxy uses, under the names of every Prometheus client. The control process has no label, as dashboards
 * expect; each worker has its number. So a sum over one node counts everything once.
 */
export class ProcessMetrics {
  readonly #cpu
  readonly #gauges
  readonly #read: (pid: number) => Promise<ProcessUsage | undefined>

  constructor(registry: MetricRegistry, read: (pid: number) => Promise<ProcessUsage | undefined> = readProcessUsage) {
    this.#read = read
    const counter = (name: string, help: string) => registry.counter(`process_cpu_${name}seconds_total`, help, LABELS)
    const gauge = (name: string, help: string) => registry.gauge(`process_${name}`, help, LABELS)
    this.#cpu = {
      all: counter('', 'CPU time, in seconds'),
      user: counter('user_', 'CPU time in user mode, in seconds'),
      system: counter('system_', 'CPU time in the kernel, in seconds'),
    }
    this.#gauges = {
      startTime: gauge('start_time_seconds', 'When the process was started, in seconds since 1970'),
      residentBytes: gauge('resident_memory_bytes', 'Resident memory'),
      virtualBytes: gauge('virtual_memory_bytes', 'Virtual memory'),
      maxVirtualBytes: gauge('virtual_memory_max_bytes', 'Most virtual memory that the process may have'),
      openFiles: gauge('open_fds', 'Open file descriptors'),
      maxOpenFiles: gauge('max_fds', 'Most file descriptors that the process may have open'),
    }
  }

  /** Reads what the processes use now. Those that are not in the list any more have no series. */
  async refresh(processes: readonly ObservedProcess[]): Promise<void> {
    const usages = await Promise.all(processes.map(async each => ({ ...each, usage: await this.#read(each.pid) })))
    for (const metric of [...Object.values(this.#cpu), ...Object.values(this.#gauges)]) metric.reset()
    for (const { worker, usage } of usages) {
      if (usage === undefined) continue
      const labels = worker === undefined ? {} : { worker: String(worker) }
      const { userSeconds, systemSeconds } = usage
      // Counters can only increase, so `inc` from zero sets the value.
      this.#cpu.all.inc(labels, userSeconds + systemSeconds)
      this.#cpu.user.inc(labels, userSeconds)
      this.#cpu.system.inc(labels, systemSeconds)
      for (const [name, gauge] of Object.entries(this.#gauges)) gauge.set(labels, usage[name as keyof ProcessUsage])
    }
  }
}
