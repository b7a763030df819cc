import { type SockperfResult, runSockperf } from '../measure/sockperf.js'
import { SOCKPERF_SERVICE, SMALL_CLUSTER } from '../testbed/bench-service.js'
import { type Load, type ContenderControl } from './load.js'
import { CPU_SHARE, P50, P99, PER_CPU, PER_SECOND } from './metrics.js'
import { type MeasuredWork, measureCpu } from './measure-cpu.js'

/** Requests per second that every contender can answer on two cores, shared with client and Pod. */
const OFFERED_RATE = 10_000

const HAPROXY_EXCLUDED = 'HAProxy does not support UDP.'
const CONTENDERS = ['direct', 'dnat', 'kube-proxy-node', 'nginx', 'original'] as const

export const udpOffered: Load = {
  name: 'udp-offered',
  title: 'UDP at a fixed rate',
  description: `${OFFERED_RATE.toLocaleString('en')} datagrams of 64 bytes per second from one client; the Pod answers each (sockperf).`,
  metrics: [PER_CPU('answers'), PER_SECOND('answers'), P50, P99, CPU_SHARE],
  seconds: 2,
  contenders: CONTENDERS,
  exclusionNote: HAPROXY_EXCLUDED,
  async takeSample(stage) {
    const { result, values } = await takeSample(stage, OFFERED_RATE)
    const { sent, lost, p50, p99 } = result
    const errors = lost > 0 ? [`${lost} of ${sent} requests had no answer`] : []
    return { values: { ...values, p50, p99 }, errors }
  },
}

export const udpSaturation: Load = {
  name: 'udp-saturation',
  title: 'UDP at saturation',
  description: 'Datagrams of 64 bytes from one client, as fast as it can send; the excess is lost (sockperf).',
  metrics: [PER_CPU('answers'), PER_SECOND('answers'), CPU_SHARE],
  seconds: 2,
  contenders: CONTENDERS,
  exclusionNote: HAPROXY_EXCLUDED,
  async takeSample(stage) {
    return { values: (await takeSample(stage, 'max')).values, errors: [] }
  },
}

async function takeSample(stage: ContenderControl, perSecond: number | 'max'): Promise<MeasuredWork<SockperfResult>> {
  const running = await stage.ensureRunning(SMALL_CLUSTER)
  const to = running.addressOf(SOCKPERF_SERVICE)!
  return measureCpu(
    running,
    () => runSockperf(stage.site, to, { perSecond, seconds: stage.seconds }),
    ({ answered, seconds }) => ({ work: answered, seconds }),
  )
}
