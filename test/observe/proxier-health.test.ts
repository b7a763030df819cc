import t from 'tap'
import { type IpFamily } from '../../lib/model/address.js'
import { ProxierHealth } from '../../lib/observe/proxier-health.js'
import { ManualClock } from '../support/clock/manual-clock.js'

/** Times in seconds; `healthy` and `unhealthy` are the expected status at that time. */
type Step = readonly [at: number, event: 'queued' | 'synced' | 'healthy' | 'unhealthy', family?: IpFamily]

const TABLE: readonly { readonly name: string; readonly steps: readonly Step[] }[] = [
  {
    name: 'healthy after the start for as long as there is no change',
    steps: [
      [0, 'healthy'],
      [100_000, 'healthy'],
    ],
  },
  {
    name: 'healthy for years after a sync without a change',
    steps: [
      [1, 'queued'],
      [2, 'synced'],
      [100_000_000, 'healthy'],
    ],
  },
  {
    name: 'unhealthy as soon as a change has waited for the timeout',
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
    name: 'unhealthy if the first sync never ends',
    steps: [
      [0, 'queued'],
      [60, 'unhealthy'],
    ],
  },
  {
    name: 'healthy again after a sync, and the next change starts the time again',
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
    name: 'unhealthy if one family is, whatever the other one does',
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
    name: 'a family that is not in the options counts from its first change',
    steps: [
      [10, 'queued', 'IPv6'],
      [70, 'unhealthy'],
    ],
  },
]

for (const { name, steps } of TABLE) {
  t.test(name, t => {
    const clock = new ManualClock()
    const health = new ProxierHealth({ families: ['IPv4'], timeoutMs: 60_000, startedAt: 0, clock })
    for (const [at, event, family = 'IPv4'] of steps) {
      clock.advanceSync(at * 1000 - clock.now())
      if (event === 'queued') health.queued(family)
      else if (event === 'synced') health.synced(family, at * 1000)
      else t.equal(health.status.healthy, event === 'healthy', `${event} at ${at} s`)
    }
    t.end()
  })
}

t.test('each family has its own last update, and the status has the newest', t => {
  const clock = new ManualClock()
  const health = new ProxierHealth({ families: ['IPv4', 'IPv6'], timeoutMs: 60_000, startedAt: 1000, clock })
  t.strictSame(health.status, {
    healthy: true,
    lastUpdated: 1000,
    families: new Map([
      ['IPv4', { lastUpdated: 1000, healthy: true }],
      ['IPv6', { lastUpdated: 1000, healthy: true }],
    ]),
  })
  health.synced('IPv6', 5000)
  health.queued('IPv4')
  clock.advanceSync(60_000)
  t.strictSame(health.status, {
    healthy: false,
    lastUpdated: 5000,
    families: new Map([
      ['IPv4', { lastUpdated: 1000, healthy: false }],
      ['IPv6', { lastUpdated: 5000, healthy: true }],
    ]),
  })
  t.end()
})
