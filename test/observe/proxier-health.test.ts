import t from 'tap'
import { type IpFamily } from '../../lib/model/address.js'
import { ProxierHealth } from '../../lib/observe/proxier-health.js'

/** Times in seconds; `healthy` and `unhealthy` are what must be seen then. */
type Step = readonly [at: number, event: 'queued' | 'synced' | 'healthy' | 'unhealthy', family?: IpFamily]

const TABLE: readonly { readonly name: string; readonly steps: readonly Step[] }[] = [
  {
    name: 'healthy while starting, however long nothing is to be synced',
    steps: [
      [0, 'healthy'],
      [100_000, 'healthy'],
    ],
  },
  {
    name: 'healthy for years after a sync with nothing queued',
    steps: [
      [1, 'queued'],
      [2, 'synced'],
      [100_000_000, 'healthy'],
    ],
  },
  {
    name: 'unhealthy from the very moment a change has waited for the timeout',
    steps: [
      [10, 'queued'],
      [69.999, 'healthy'],
      [70, 'unhealthy'],
    ],
  },
  {
    name: 'a steady stream of changes does not hide a stuck sync',
    steps: [
      [1, 'synced'],
      ...Array.from({ length: 59 }, (_, i): Step => [10 + i, 'queued']),
      [69.999, 'healthy'],
      [70, 'unhealthy'],
      [71, 'queued'],
      [72, 'unhealthy'],
    ],
  },
  {
    name: 'a first sync that never ends is noticed',
    steps: [
      [0, 'queued'],
      [60, 'unhealthy'],
    ],
  },
  {
    name: 'a sync makes healthy again, and the time starts anew with the next change',
    steps: [
      [10, 'queued'],
      [80, 'unhealthy'],
      [81, 'synced'],
      [81, 'healthy'],
      [100, 'queued'],
      [159, 'healthy'],
      [160, 'unhealthy'],
    ],
  },
  {
    name: 'one unhealthy family is enough, and syncs of the other do not help',
    steps: [
      [10, 'queued', 'IPv4'],
      [10, 'queued', 'IPv6'],
      [11, 'synced', 'IPv4'],
      [70, 'unhealthy'],
      [71, 'synced', 'IPv4'],
      [71, 'unhealthy'],
      [72, 'synced', 'IPv6'],
      [72, 'healthy'],
    ],
  },
  {
    name: 'a family that was not announced counts as soon as it is heard of',
    steps: [
      [10, 'queued', 'IPv6'],
      [70, 'unhealthy'],
    ],
  },
]

for (const { name, steps } of TABLE) {
  t.test(name, t => {
    const health = new ProxierHealth({ families: ['IPv4'], timeoutMs: 60_000, startedAt: 0 })
    for (const [at, event, family = 'IPv4'] of steps) {
      if (event === 'queued') health.queued(family, at * 1000)
      else if (event === 'synced') health.synced(family, at * 1000)
      else t.equal(health.statusAt(at * 1000).healthy, event === 'healthy', `${event} at ${at} s`)
    }
    t.end()
  })
}

t.test('each family is reported with its own last update, and the newest of them for all', t => {
  const health = new ProxierHealth({ families: ['IPv4', 'IPv6'], timeoutMs: 60_000, startedAt: 1000 })
  t.strictSame(health.statusAt(2000), {
    healthy: true,
    lastUpdated: 1000,
    families: new Map([
      ['IPv4', { lastUpdated: 1000, healthy: true }],
      ['IPv6', { lastUpdated: 1000, healthy: true }],
    ]),
  })
  health.synced('IPv6', 5000)
  health.queued('IPv4', 6000)
  t.strictSame(health.statusAt(66_000), {
    healthy: false,
    lastUpdated: 5000,
    families: new Map([
      ['IPv4', { lastUpdated: 1000, healthy: false }],
      ['IPv6', { lastUpdated: 5000, healthy: true }],
    ]),
  })
  t.end()
})
