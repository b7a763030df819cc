import t from 'tap'
import { decodeEndpointSlice } from '../../lib/snapshot/decode-endpoint-slice.js'
import { endpointsOf } from '../../lib/snapshot/endpoints.js'
import { failAndEndTest } from '../support/checks/fail-and-end-test.js'
import { makeApiEndpoint, makeApiSlice } from '../support/api/api-objects.js'
import { randomInt, testSeed, seededRandom } from '../support/checks/seeded-random.js'

const NODE = { name: 'node-a', zone: 'zone-1' }

void t.test('an endpoint is local when its node is ours, and never while our name is unknown', t => {
  const slice = decodeEndpointSlice(
    makeApiSlice({
      endpoints: [
        makeApiEndpoint('10.244.0.1', { nodeName: 'node-a' }),
        makeApiEndpoint('10.244.0.2', { nodeName: 'node-b' }),
        makeApiEndpoint('10.244.0.3'),
        makeApiEndpoint('10.244.0.4', { nodeName: '' }),
      ],
    }),
  ).object!
  const port = { family: 'IPv4', portName: 'http', protocol: 'TCP' } as const
  const localTo = (nodeName: string): boolean[] =>
    endpointsOf(port, [slice], { name: nodeName, zone: '' }).map(({ isLocal }) => isLocal)
  t.same(localTo('node-a'), [true, false, false, false])
  t.same(localTo(''), [false, false, false, false])
  t.end()
})

void t.test('ten thousand endpoints are read, merged and sorted', t => {
  const many = Array.from({ length: 10_000 }, (_, i) => makeApiEndpoint(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`))
  const slices = [0, 1].map(half =>
    decodeEndpointSlice(
      makeApiSlice({ name: `web-${half}`, endpoints: many.filter((_, i) => i % 2 === half || i < 10) }),
    ),
  )
  t.same(
    slices.flatMap(({ problems }) => problems),
    [],
  )
  const merged = endpointsOf(
    { family: 'IPv4', portName: 'http', protocol: 'TCP' },
    slices.map(({ object }) => object!),
    NODE,
  )
  t.equal(merged.length, 10_000)
  const keys = merged.map(({ ip, port }) => `${ip}:${port}`)
  t.same(
    keys,
    [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  )
  t.end()
})

const seed = testSeed()

void t.test(`the order of slices does not change the result (SEED=${seed})`, t => {
  const random = seededRandom(seed)
  const flag = (): boolean => random() < 0.5
  for (let round = 0; round < 300; round++) {
    const slices = Array.from({ length: 4 }, (_, index) =>
      decodeEndpointSlice(
        makeApiSlice({
          name: `web-${index}`,
          endpoints: Array.from({ length: 5 }, () =>
            makeApiEndpoint(`10.244.0.${randomInt(random, 6)}`, {
              conditions: { ready: flag(), serving: flag(), terminating: flag() },
              nodeName: flag() ? 'node-a' : 'node-b',
              ...(flag() && { hints: { forZones: [{ name: flag() ? 'zone-1' : 'zone-2' }] } }),
            }),
          ),
        }),
      ),
    ).map(({ object }) => object!)
    const port = { family: 'IPv4', portName: 'http', protocol: 'TCP' } as const
    const inOrder = endpointsOf(port, slices, NODE)
    const shuffled = endpointsOf(
      port,
      [...slices].sort(() => random() - 0.5),
      NODE,
    )
    if (JSON.stringify(inOrder) !== JSON.stringify(shuffled))
      return failAndEndTest(t, `round ${round}: ${JSON.stringify({ inOrder, shuffled })}`)
  }
  t.pass('300 rounds')
  t.end()
})
