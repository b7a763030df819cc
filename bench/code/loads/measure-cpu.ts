import { type RunningContender } from '../contenders/contender.js'
import { ProcessTree } from '../measure/process-tree.js'

/** The result of some work, and the values of `PER_SECOND`, `PER_CPU` and `CPU_SHARE` for a sample. */
export interface MeasuredWork<T> {
  readonly result: T
  readonly values: Readonly<Record<string, number>>
}

/** Reads the CPU time of a contender before and after work. A contender without processes has only a rate. */
export async function measureCpu<T>(
  running: RunningContender,
  work: () => Promise<T>,
  amount: (result: T) => { readonly work: number; readonly seconds: number },
): Promise<MeasuredWork<T>> {
  const tree = new ProcessTree(running.pids)
  const before = tree.cpuSeconds()
  const result = await work()
  const cpu = tree.cpuSeconds() - before
  const { work: done, seconds } = amount(result)
  const rate = { rate: done / seconds }
  return { result, values: running.pids.length === 0 ? rate : { ...rate, perCpu: done / cpu, cpu: cpu / seconds } }
}
