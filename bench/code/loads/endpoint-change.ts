import { type ConnectionSample } from '../client/connections.js'
import { sharedClockMs } from '../measure/shared-clock.js'
import { makeEndpointObjects } from '../testbed/api-objects.js'
import { type BenchApi } from '../testbed/bench-api.js'
import { POD_IPS, SMALL_CLUSTER, HTTP_SERVICE } from '../testbed/bench-service.js'
import { summarize } from '../report/statistics.js'
import { type Load } from './load.js'
import { CPU_SHARE, P99, PER_CPU } from './metrics.js'
import { measureCpu } from './measure-cpu.js'

const PER_SECOND = 500
const CHANGE_PERIOD_MS = 250

/** At this time, by the shared clock, this Pod became the only endpoint at the API server. */
interface Change {
  readonly at: number
  readonly ip: string
}

export const endpointChange: Load = {
  name: 'endpoint-change',
  title: 'Endpoint changes under load',
  description:
    `${PER_SECOND} new connections per second, while every ${CHANGE_PERIOD_MS} ms another Pod becomes the only endpoint of the Service. ` +
    'The time to effect is from the write to the API server to the start of the last connection that still reached the previous Pod.',
  metrics: [
    { name: 'effect', title: 'time to effect, median', unit: 'ms', better: 'lower', digits: 1 },
    { name: 'slowest', title: 'time to effect, slowest', unit: 'ms', better: 'lower', digits: 1 },
    P99,
    PER_CPU('connections'),
    CPU_SHARE,
  ],
  seconds: 4,
  contenders: ['kube-proxy-node', 'original'],
  exclusionNote: 'The others do not watch an API server.',
  async takeSample(stage) {
    const running = await stage.ensureRunning(SMALL_CLUSTER)
    const { ip, port } = running.addressOf(HTTP_SERVICE)!
    const api = running.api!
    const changes: Change[] = []
    const changing = changeEndpoints(api, stage.seconds * 1000 - CHANGE_PERIOD_MS, changes)
    const { result, values } = await measureCpu(
      running,
      () => stage.site.client.runConnections(ip, port, PER_SECOND, stage.seconds),
      ({ connections }) => ({ work: connections.length, seconds: stage.seconds }),
    )
    await changing
    await api.put(makeEndpointObjects(HTTP_SERVICE, HTTP_SERVICE.endpoints))
    const effects = timesToEffect(changes, result.connections)
    const { median, highest } = summarize(effects)!
    const p99 = percentile(
      result.connections.map(({ tookMs }) => tookMs * 1000),
      0.99,
    )
    return {
      values: { ...values, effect: median, slowest: highest, p99 },
      errors: visitErrors(result.connections, result.missedStarts),
    }
  },
}

async function changeEndpoints(api: BenchApi, durationMs: number, changes: Change[]): Promise<void> {
  for (let n = 0; n * CHANGE_PERIOD_MS < durationMs; n++) {
    const ip = POD_IPS[n % POD_IPS.length]!
    changes.push({ at: sharedClockMs(), ip })
    await api.put(makeEndpointObjects(HTTP_SERVICE, [ip]))
    await new Promise(resolve => setTimeout(resolve, CHANGE_PERIOD_MS))
  }
}

/** For each change except the first: the time until which the previous Pod still answered. */
function timesToEffect(changes: readonly Change[], visits: readonly ConnectionSample[]): number[] {
  return changes.slice(1).map(({ at, ip }, n) => {
    const until = changes[n + 2]?.at ?? Infinity
    const late = visits.filter(
      visit =>
        visit.startedAt > at && visit.startedAt < until && visit.responder !== undefined && visit.responder !== ip,
    )
    return Math.max(0, ...late.map(visit => visit.startedAt - at))
  })
}

function visitErrors(visits: readonly ConnectionSample[], behind: number): string[] {
  const failed = visits.filter(({ error }) => error !== undefined)
  return [
    ...(failed.length === 0
      ? []
      : [`${failed.length} of ${visits.length} connections failed, as with "${failed[0]!.error}"`]),
    ...(behind > PER_SECOND / 10 ? [`the client made ${behind} connections fewer than planned`] : []),
  ]
}

function percentile(values: readonly number[], part: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * part)] ?? NaN
}
