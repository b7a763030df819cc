import { USERSPACE_CONTENDER_NAMES } from '../contenders/contender.js'
import { type Iperf3Run, runIperf3 } from '../measure/iperf3.js'
import { IPERF3_SERVICE, SMALL_CLUSTER } from '../testbed/bench-service.js'
import { type Load } from './load.js'
import { CPU_SHARE } from './metrics.js'
import { measureCpu } from './measure-cpu.js'

/** Bytes in one direction, as fast as possible. */
function makeBulkLoad(direction: Iperf3Run['direction'], streams: number): Load {
  const many = streams === 1 ? '1 stream' : `${streams} streams`
  return {
    name: `bulk-${direction === 'to the Pod' ? 'to' : 'from'}-pod-${streams}`,
    title: `Bulk ${direction}, ${many}`,
    description: `As many bytes as possible ${direction} over ${many} (iperf3).`,
    metrics: [
      { name: 'perCpu', title: 'GB per CPU-second', unit: 'GB/CPU-s', better: 'higher', digits: 2 },
      { name: 'rate', title: 'GB/s', unit: 'GB/s', better: 'higher', digits: 2 },
      CPU_SHARE,
    ],
    seconds: streams === 1 ? 2 : 1,
    contenders: USERSPACE_CONTENDER_NAMES,
    async takeSample(stage) {
      const running = await stage.ensureRunning(SMALL_CLUSTER)
      const { values } = await measureCpu(
        running,
        () => runIperf3(stage.site, running.addressOf(IPERF3_SERVICE)!, { streams, seconds: stage.seconds, direction }),
        ({ bytes, seconds }) => ({ work: bytes / 1e9, seconds }),
      )
      return { values, errors: [] }
    },
  }
}

export const bulkLoads: readonly Load[] = [
  makeBulkLoad('to the Pod', 1),
  makeBulkLoad('from the Pod', 1),
  makeBulkLoad('to the Pod', 16),
  makeBulkLoad('from the Pod', 16),
]
