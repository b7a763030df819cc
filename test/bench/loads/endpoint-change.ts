import { type Visit } from '../client/visits.js'
import { sharedClockMs } from '../measure/shared-clock.js'
import { endpointObjectsOf } from '../site/api-objects-of.js'
import { type BenchApi } from '../site/bench-api.js'
import { POD_IPS, SMALL, WEB } from '../site/bench-service.js'
import { summarize } from '../report/statistics.js'
import { type Load } from './load.js'
import { CPU_SHARE, P99, PER_CPU } from './metrics.js'
import { withCpu } from './with-cpu.js'

const PER_SECOND = 500
const CHANGE_MS = 250

/** The API server was told at this moment, by the clock that is shared, that this Pod is the only one. */
interface Change {
  readonly at: number
  readonly ip: string
}

export const endpointChange: Load = {
  name: 'endpoint-change',
  title: 'A change of endpoints under load',
  about:
    `${PER_SECOND} new connections a second, while every ${CHANGE_MS} ms another Pod becomes the Service's only endpoint. ` +
    'The time to effect is from the write to the API server to the last connection that was begun and still got the Pod before.',
  metrics: [
    { name: 'effect', title: 'time to effect, median', unit: 'ms', better: 'lower', digits: 1 },
    { name: 'slowest', title: 'time to effect, slowest', unit: 'ms', better: 'lower', digits: 1 },
    P99,
    PER_CPU('connections'),
    CPU_SHARE,
  ],
  seconds: 4,
  contenders: ['ours', 'original'],
  leftOut: 'The others watch no API server.',
  async run(stage) {
    const running = await stage.running(SMALL)
    const { ip, port } = running.addressOf(WEB)!
    const api = running.api!
    const changes: Change[] = []
    const changing = changeInTurn(api, stage.seconds * 1000 - CHANGE_MS, changes)
    const { result, values } = await withCpu(
      running,
      () => stage.site.client.visits(ip, port, PER_SECOND, stage.seconds),
      ({ visits }) => ({ work: visits.length, seconds: stage.seconds }),
    )
    await changing
    await api.put(endpointObjectsOf(WEB, WEB.endpoints))
    const effects = effectsOf(changes, result.visits)
    const { median, highest } = summarize(effects)!
    const p99 = percentile(
      result.visits.map(({ tookMs }) => tookMs * 1000),
      0.99,
    )
    return {
      values: { ...values, effect: median, slowest: highest, p99 },
      errors: errorsOf(result.visits, result.behind),
    }
  },
}

async function changeInTurn(api: BenchApi, durationMs: number, changes: Change[]): Promise<void> {
  for (let n = 0; n * CHANGE_MS < durationMs; n++) {
    const ip = POD_IPS[n % POD_IPS.length]!
    changes.push({ at: sharedClockMs(), ip })
    await api.put(endpointObjectsOf(WEB, [ip]))
    await new Promise(resolve => setTimeout(resolve, CHANGE_MS))
  }
}

/** For each change but the first, which follows a time with all Pods: until when the Pod before went on answering. */
function effectsOf(changes: readonly Change[], visits: readonly Visit[]): number[] {
  return changes.slice(1).map(({ at, ip }, n) => {
    const until = changes[n + 2]?.at ?? Infinity
    const late = visits.filter(visit => visit.at > at && visit.at < until && visit.by !== undefined && visit.by !== ip)
    return Math.max(0, ...late.map(visit => visit.at - at))
  })
}

function errorsOf(visits: readonly Visit[], behind: number): string[] {
  const failed = visits.filter(({ error }) => error !== undefined)
  return [
    ...(failed.length === 0
      ? []
      : [`${failed.length} of ${visits.length} connections failed, as with "${failed[0]!.error}"`]),
    ...(behind > PER_SECOND / 10 ? [`the client made ${behind} connections fewer than wanted`] : []),
  ]
}

function percentile(values: readonly number[], part: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * part)] ?? NaN
}
