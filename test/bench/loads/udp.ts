import { type SockperfResult, sockperf } from '../measure/sockperf.js'
import { ECHO_UDP, SMALL } from '../site/bench-service.js'
import { type Load, type Stage } from './load.js'
import { CPU_SHARE, P50, P99, PER_CPU, PER_SECOND } from './metrics.js'
import { type CostOfWork, withCpu } from './with-cpu.js'

/** Requests a second: what every contender can answer on two cores that they share with client and Pod. */
const OFFERED = 10_000

const HAPROXY_LEFT_OUT = 'HAProxy carries no UDP.'
const CONTENDERS = ['direct', 'dnat', 'ours', 'nginx', 'original'] as const

export const udpOffered: Load = {
  name: 'udp-offered',
  title: 'UDP at a fixed rate',
  about: `${OFFERED.toLocaleString('en')} datagrams of 64 bytes a second from one client, each answered (sockperf).`,
  metrics: [PER_CPU('answers'), PER_SECOND('answers'), P50, P99, CPU_SHARE],
  seconds: 2,
  contenders: CONTENDERS,
  leftOut: HAPROXY_LEFT_OUT,
  async run(stage) {
    const { result, values } = await exchange(stage, OFFERED)
    const { sent, lost, p50, p99 } = result
    const errors = lost > 0 ? [`${lost} of ${sent} requests had no answer`] : []
    return { values: { ...values, p50, p99 }, errors }
  },
}

export const udpSaturation: Load = {
  name: 'udp-saturation',
  title: 'UDP at saturation',
  about: 'Datagrams of 64 bytes from one client, as fast as it can send; what is too much is lost (sockperf).',
  metrics: [PER_CPU('answers'), PER_SECOND('answers'), CPU_SHARE],
  seconds: 2,
  contenders: CONTENDERS,
  leftOut: HAPROXY_LEFT_OUT,
  async run(stage) {
    return { values: (await exchange(stage, 'max')).values, errors: [] }
  },
}

async function exchange(stage: Stage, perSecond: number | 'max'): Promise<CostOfWork<SockperfResult>> {
  const running = await stage.running(SMALL)
  const to = running.addressOf(ECHO_UDP)!
  return withCpu(
    running,
    () => sockperf(stage.site, to, { perSecond, seconds: stage.seconds }),
    ({ answered, seconds }) => ({ work: answered, seconds }),
  )
}
