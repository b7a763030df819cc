import { type Clock } from '../../lib/model/clock.js'
import { ObjectStore } from '../../lib/snapshot/object-store.js'
import { createKubeClient } from '../../lib/source/kube-client.js'
import { KubernetesSource } from '../../lib/source/kubernetes-source.js'
import { type ListWatchTimings } from '../../lib/source/list-watch-timings.js'
import { realClock } from '../../lib/system/real-clock.js'
import { type ApiObject } from '../support/api/api-server.js'
import { RecordingLog } from '../support/log/recording-log.js'

/** Short waits, since no test here depends on how long they are. */
export const SHORT_TIMINGS: Partial<ListWatchTimings> = { backoffFirstMs: 2, backoffMaxMs: 20, reopenMaxMs: 20 }

export interface SourceUnderTestOptions {
  readonly master?: string
  readonly kubeconfig?: string
  readonly nodeName?: string
  readonly timings?: Partial<ListWatchTimings>
  readonly clock?: Clock
  readonly responseTimeoutMs?: number
  readonly idleTimeoutMs?: number
}

/** A running source, the store that it fills, and its log. */
export interface SourceUnderTest {
  readonly source: KubernetesSource
  readonly store: ObjectStore
  readonly log: RecordingLog
  /** Resolves when the condition holds; checked at each change of the store and each log entry. */
  until(condition: () => boolean): Promise<void>
  /** The names of the Services in the store, sorted. */
  services(): string
  /** Stops the source; resolves when it has returned. */
  stop(): Promise<void>
}

export async function startSource({
  nodeName,
  timings,
  clock = realClock,
  ...access
}: SourceUnderTestOptions): Promise<SourceUnderTest> {
  let waiters: (() => void)[] = []
  const wake = () => {
    const woken = waiters
    waiters = []
    for (const waiter of woken) waiter()
  }
  const log = new RecordingLog(wake)
  const store = new ObjectStore(nodeName ?? '')
  store.subscribe({ onChange: wake })
  const client = await createKubeClient({ ...access, clock })
  const source = new KubernetesSource({
    client,
    log,
    clock,
    nodeName: nodeName ?? '',
    timings: { ...SHORT_TIMINGS, ...timings },
  })
  const end = new AbortController()
  const run = source.run(store, end.signal)
  run.catch(wake)
  return {
    source,
    store,
    log,
    until: async condition => {
      const ended = run.then(() => Promise.reject(new Error('the source has ended')))
      ended.catch(() => {})
      while (!condition()) await Promise.race([ended, new Promise<void>(resolve => waiters.push(resolve))])
    },
    services: () => [...store.services.keys()].sort().join(' '),
    stop: async () => {
      end.abort()
      await run
    },
  }
}

export function service(
  name: string,
  clusterIP = '10.96.0.1',
  more: { labels?: Record<string, string> } = {},
): ApiObject {
  return {
    metadata: { namespace: 'default', name, ...more },
    spec: { clusterIP, clusterIPs: [clusterIP], ports: [{ port: 80, protocol: 'TCP' }] },
  }
}

export function slice(name: string, serviceName: string, address = '10.244.0.1'): ApiObject {
  return {
    metadata: { namespace: 'default', name, labels: { 'kubernetes.io/service-name': serviceName } },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
  }
}

export function endpoints(name: string, ip = '10.244.0.1'): ApiObject {
  return {
    metadata: { namespace: 'default', name },
    subsets: [{ addresses: [{ ip }], ports: [{ port: 8080, protocol: 'TCP' }] }],
  }
}

export function node(name: string, address = '192.0.2.1'): ApiObject {
  return { metadata: { name }, status: { addresses: [{ type: 'InternalIP', address }] } }
}

/** The endpoint addresses that the store has for a Service. */
export function addressesOf(store: ObjectStore, serviceName: string): string {
  const slices = [...store.slicesOf(`default/${serviceName}`)]
  return slices
    .flatMap(({ endpoints }) => endpoints.map(({ ip }) => ip))
    .sort()
    .join(' ')
}
