import { type LogFields, type Log } from '../../lib/model/log.js'
import { type Clock } from '../../lib/model/clock.js'
import { ObjectStore } from '../../lib/snapshot/object-store.js'
import { createKubeClient } from '../../lib/source/kube-client.js'
import { KubernetesSource } from '../../lib/source/kubernetes-source.js'
import { type ListWatchTimings } from '../../lib/source/list-watch-timings.js'
import { realClock } from '../../lib/system/real-clock.js'
import { type ApiObject } from '../support/api/api-server.js'

/** Short waits, since nothing here depends on how long they are. */
export const SHORT_TIMINGS: Partial<ListWatchTimings> = { backoffFirstMs: 2, backoffMaxMs: 20, reopenMaxMs: 20 }

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error'
  readonly text: string
}

export interface SourceUnderTestOptions {
  readonly master?: string
  readonly kubeconfig?: string
  readonly nodeName?: string
  readonly timings?: Partial<ListWatchTimings>
  readonly clock?: Clock
  readonly responseTimeoutMs?: number
  readonly idleTimeoutMs?: number
}

/** A source that runs and fills a store, and what was logged on the way. */
export interface SourceUnderTest {
  readonly store: ObjectStore
  readonly lines: LogLine[]
  /** Resolves when the condition holds; it is asked again at each change of the store and each line of the log. */
  until(condition: () => boolean): Promise<void>
  /** The names of the Services in the store, sorted. */
  services(): string
  /** Ends the source and resolves when it has returned. */
  stop(): Promise<void>
}

export async function startSource({
  nodeName,
  timings,
  clock = realClock,
  ...access
}: SourceUnderTestOptions): Promise<SourceUnderTest> {
  const lines: LogLine[] = []
  let waiters: (() => void)[] = []
  const wake = () => {
    const woken = waiters
    waiters = []
    for (const waiter of woken) waiter()
  }
  const write = (level: LogLine['level'], message: string, error?: unknown, fields?: LogFields) => {
    lines.push({ level, text: [message, error, JSON.stringify(fields)].filter(Boolean).join(' ') })
    wake()
  }
  const log: Log = {
    info: (level, message, fields) => level <= 1 && write('info', message, undefined, fields),
    warn: (message, fields) => write('warn', message, undefined, fields),
    error: (message, error, fields) => write('error', message, error, fields),
    enabled: () => true,
  }
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
    store,
    lines,
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

/** The addresses that a Service is served by, as the store has them. */
export function addressesOf(store: ObjectStore, serviceName: string): string {
  const slices = [...store.slicesOf(`default/${serviceName}`)]
  return slices
    .flatMap(({ endpoints }) => endpoints.map(({ ip }) => ip))
    .sort()
    .join(' ')
}
