import { type Overview } from '../status/overview.js'
import { type LeverEffect } from './demo-document.js'
import { type Watched } from './live-traffic.js'

/** What of the proxy's answer counts. */
export type ProxyCounts = Pick<Overview, 'pid' | 'traffic'>

/**
 * What requests have met, in numbers.
 * @param before what the proxy had counted when the change began; undefined: it did not answer
 */
export function leverEffect(
  { during, after: requests }: Watched,
  before: ProxyCounts | undefined,
  after: ProxyCounts | undefined,
): LeverEffect {
  const answered = requests.flatMap(({ pod }) => pod ?? [])
  const errors = requests.flatMap(({ error }) => error ?? [])
  return {
    requests: requests.length,
    during: { requests: during.length, lost: during.filter(({ error }) => error !== null).length },
    answers: countEach(answered).map(([pod, count]) => ({ pod, count })),
    lost: countEach(errors).map(([error, count]) => ({ error, count })),
    clients: countEach(requests.map(({ client }) => client)).map(([name]) => {
      const own = requests.filter(({ client }) => client === name)
      return {
        name,
        pods: countEach(own.flatMap(({ pod }) => pod ?? [])).map(([pod]) => pod),
        seenAs: countEach(own.flatMap(({ clientIP }) => clientIP ?? [])).map(([ip]) => ip),
      }
    }),
    slowestMs: Math.max(0, ...requests.map(({ tookMs }) => tookMs)),
    proxy: countedBetween(before, after),
  }
}

/** A proxy that was started meanwhile counts from 0. */
function countedBetween(before: ProxyCounts | undefined, after: ProxyCounts | undefined): LeverEffect['proxy'] {
  if (after?.traffic === null) return 'in-kernel'
  if (before === undefined || after?.traffic === undefined) return 'not-known'
  const start = before.pid === after.pid ? before.traffic : undefined
  const { connections, dialFailures, refused } = after.traffic
  return {
    connections: connections - (start?.connections ?? 0),
    failedTries: dialFailures - (start?.dialFailures ?? 0),
    refused: refused - (start?.refused ?? 0),
  }
}

/** Each text with how often it is there, sorted by the text. */
function countEach(texts: readonly string[]): [string, number][] {
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1))
}
