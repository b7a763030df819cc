import { CONTENDER_NAMES } from '../contenders/contender.js'
import { type Iperf3Run, iperf3 } from '../measure/iperf3.js'
import { BULK, SMALL } from '../site/bench-service.js'
import { type Load } from './load.js'
import { CPU_SHARE } from './metrics.js'
import { withCpu } from './with-cpu.js'

/** Bytes in one direction, as fast as they go. */
function bulk(direction: Iperf3Run['direction'], streams: number): Load {
  const many = streams === 1 ? '1 stream' : `${streams} streams`
  return {
    name: `bulk-${direction === 'to the Pod' ? 'to' : 'from'}-pod-${streams}`,
    title: `Bulk ${direction}, ${many}`,
    about: `As many bytes as go ${direction} over ${many} (iperf3).`,
    metrics: [
      { name: 'perCpu', title: 'GB per CPU-second', unit: 'GB/CPU-s', better: 'higher', digits: 2 },
      { name: 'rate', title: 'GB/s', unit: 'GB/s', better: 'higher', digits: 2 },
      CPU_SHARE,
    ],
    seconds: streams === 1 ? 2 : 1,
    contenders: CONTENDER_NAMES,
    async run(stage) {
      const running = await stage.running(SMALL)
      const { values } = await withCpu(
        running,
        () => iperf3(stage.site, running.addressOf(BULK)!, { streams, seconds: stage.seconds, direction }),
        ({ bytes, seconds }) => ({ work: bytes / 1e9, seconds }),
      )
      return { values, errors: [] }
    },
  }
}

export const bulkLoads: readonly Load[] = [
  bulk('to the Pod', 1),
  bulk('from the Pod', 1),
  bulk('to the Pod', 16),
  bulk('from the Pod', 16),
]
