import t from 'tap'
import { type Endpoint } from '../../lib/model/endpoint.js'
import { usableEndpoints } from '../../lib/snapshot/usable-endpoints.js'
import { failAndEndTest } from '../support/checks/fail-and-end-test.js'
import { randomInt, testSeed, seededRandom } from '../support/checks/seeded-random.js'

const seed = testSeed()

void t.test(`usable endpoints follow the rules, for random endpoints (SEED=${seed})`, t => {
  const random = seededRandom(seed)
  const flag = (): boolean => random() < 0.5
  const names = (all: readonly string[]): string[] => all.filter(flag)
  const node = { name: 'node-a', zone: 'zone-1' }
  for (let round = 0; round < 5000; round++) {
    const hints = randomInt(random, 3)
    const endpoints: Endpoint[] = Array.from({ length: randomInt(random, 6) }, (_, index) => ({
      ip: `10.244.0.${index}`,
      port: 80,
      ready: flag(),
      serving: flag(),
      terminating: flag(),
      isLocal: flag(),
      isPod: flag(),
      zoneHints: hints === 0 ? [] : hints === 1 ? ['zone-1'] : names(['zone-1', 'zone-2']),
      nodeHints: hints === 0 ? [] : names(['node-a', 'node-b']),
    }))
    const internalPolicyLocal = flag()
    const externalPolicyLocal = flag()
    const nodePort = flag() ? 30080 : 0
    const policies = { internalPolicyLocal, externalPolicyLocal, nodePort, externalIPs: [], loadBalancerIPs: [] }
    const { cluster, local, hasAny } = usableEndpoints(policies, endpoints, node)
    const wrong =
      (internalPolicyLocal && nodePort === 0 ? undefined : findMistake(endpoints, cluster, false, hasAny)) ??
      (internalPolicyLocal || (externalPolicyLocal && nodePort !== 0)
        ? findMistake(endpoints, local, true, hasAny)
        : undefined)
    if (wrong !== undefined)
      return failAndEndTest(t, `${wrong}: ${JSON.stringify({ endpoints, cluster, local, hasAny })}`)
  }
  t.pass('5000 rounds')
  t.end()
})

/** What is wrong with a choice, from the rules alone. */
function findMistake(
  endpoints: readonly Endpoint[],
  chosen: readonly Endpoint[],
  localOnly: boolean,
  hasAny: boolean,
): string | undefined {
  const inScope = endpoints.filter(({ isLocal }) => isLocal || !localOnly)
  const ready = inScope.filter(endpoint => endpoint.ready)
  const fallback = inScope.filter(endpoint => endpoint.serving && endpoint.terminating)
  if (chosen.some(endpoint => !inScope.includes(endpoint))) return 'an endpoint out of scope'
  if (chosen.some(endpoint => !endpoint.ready && !(endpoint.serving && endpoint.terminating)))
    return 'an endpoint that cannot serve'
  if (ready.length > 0 && chosen.some(endpoint => !endpoint.ready))
    return 'an endpoint that is not ready, beside a ready one'
  if (ready.length === 0 && chosen.length !== fallback.length) return 'not all that still serve'
  if (ready.length > 0 && chosen.length === 0) return 'no endpoint, although one is ready'
  if (localOnly && chosen.length !== (ready.length || fallback.length)) return 'hints change local traffic'
  if (hasAny !== endpoints.some(({ ready, serving, terminating }) => ready || (serving && terminating))) return 'hasAny'
  if (!localOnly && ready.length > 0) {
    const hinted = (hint: (endpoint: Endpoint) => readonly string[], ours: string): Endpoint[] | undefined =>
      ready.every(endpoint => hint(endpoint).length > 0) && ready.some(endpoint => hint(endpoint).includes(ours))
        ? ready.filter(endpoint => hint(endpoint).includes(ours))
        : undefined
    const expected = hinted(e => e.nodeHints, 'node-a') ?? hinted(e => e.zoneHints, 'zone-1') ?? ready
    if (JSON.stringify(expected) !== JSON.stringify(chosen)) return 'hints'
  }
  return undefined
}
