import t from 'tap'
import { EndedConnections } from '../../lib/dataplane/ended-connections.js'
import { Happenings } from '../../lib/dataplane/happenings.js'
import { type InspectRequest, type InspectedConnection } from '../../lib/dataplane/inspect-request.js'
import { inspectionSteps } from '../../lib/dataplane/inspection-steps.js'
import { ManualClock } from '../support/clock/manual-clock.js'

const OPENED_MS_AGO = 100
const WAIT_MS = 3000
const listener = { key: 'k', namespace: 'default', service: 'web', portName: '', protocol: 'TCP' } as const
const client = { listener, client: '10.0.0.1', clientPort: 1, endpoint: '', tries: 1 }

/** Two connections of each kind, which opened some time ago, and a listener that has open ones. */
function twoOfEach() {
  const clock = new ManualClock()
  const endedConnections = new EndedConnections()
  const happenings = new Happenings(clock)
  happenings.ask(undefined, [
    { namespace: undefined, service: undefined, client: undefined, pod: undefined, onlyFailures: false },
  ])
  for (const id of [1, 2]) {
    endedConnections.add(listener, { id, clientPort: 1, openedAt: 0, tries: 1 }, '10.0.0.1', '', 'closed', 0, NaN, NaN)
    happenings.add({ ...client, id, what: 'opened', next: '', why: '' })
  }
  clock.advanceSync(OPENED_MS_AGO)
  const open = {
    clients: { identity: listener },
    *inspectConnections(): Generator<InspectedConnection> {
      for (const id of [1, 2]) yield { ...client, id, state: 'open', openedMsAgo: clock.now() }
    },
  }
  const planned = new Map([['k', { spec: {}, listener: open, port: 80 }]]) as unknown as Parameters<
    typeof inspectionSteps
  >[2]
  return { clock, planned, context: { clock, endedConnections, happenings } }
}

for (const [what, age] of [
  ['ended', 'endedMsAgo'],
  ['happenings', 'msAgo'],
  ['connections', 'openedMsAgo'],
] as const)
  t.test(`a row of "${what}" is as old as it is when it is taken`, t => {
    const { clock, planned, context } = twoOfEach()
    const happenedAfter = new Map([[process.pid, 0]])
    const request: InspectRequest = {
      what,
      namespace: undefined,
      service: undefined,
      limit: 10,
      happenedAfter,
      filters: [],
    }
    const ages = []
    for (const row of inspectionSteps(request, context, planned, [])) {
      if (row !== undefined) ages.push((row as unknown as Record<string, number>)[age])
      clock.advanceSync(WAIT_MS)
    }
    t.equal(ages.length, 2)
    t.equal(ages[1]! - ages[0]!, WAIT_MS)
    t.ok(ages[0]! >= OPENED_MS_AGO && ages[1]! <= clock.now())
    t.end()
  })
