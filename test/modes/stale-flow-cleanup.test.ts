import t from 'tap'
import { StaleFlowCleanup } from '../../lib/modes/stale-flow-cleanup.js'
import { type FlowEntry } from '../../lib/system/conntrack.js'
import { MemoryConntrack } from '../support/kernel/memory-conntrack.js'
import { RecordingLog } from '../support/log/recording-log.js'

const end = (address: string, port: number) => ({ address, port })

function flow(protocol: 'TCP' | 'UDP', address: string, replyFrom = address): FlowEntry {
  return {
    family: 'IPv4',
    protocol,
    source: end('10.244.0.2', 5000),
    destination: end(address, 53),
    replySource: end(replyFrom, 53),
  }
}

function setUp() {
  const table = new MemoryConntrack()
  const state = { fails: false, left: 0, lists: 0 }
  const log = new RecordingLog()
  const conntrack = {
    list: async (...args: Parameters<MemoryConntrack['list']>) => {
      state.lists++
      if (state.fails) throw new Error('busy')
      return table.list(...args)
    },
    delete: async (entries: readonly FlowEntry[]) => (await table.delete(entries)) + state.left,
  }
  const searches: (number | undefined)[] = []
  const flowObserver = {
    startCleanup: () => {
      const index = searches.push(undefined) - 1
      return (deleted: number) => void (searches[index] = deleted)
    },
  }
  return { table, state, log, searches, cleanup: new StaleFlowCleanup('IPv4', { conntrack, flowObserver, log }) }
}

const NOTHING_SERVED = () => ({ targets: [], nodeAddresses: new Set<string>() })
const removed = (address: string) => ({ protocol: 'UDP', address, port: 53 }) as const

t.test(
  'a cleanup that fails is repeated until it succeeds, with all addresses that were removed meanwhile',
  async t => {
    const { table, state, log, cleanup } = setUp()
    table.entries = [flow('UDP', '10.96.0.1'), flow('UDP', '10.96.0.2'), flow('UDP', '10.96.0.3')]
    state.fails = true
    cleanup.add({ protocols: ['UDP'], removed: [removed('10.96.0.1')], isRepair: false }, NOTHING_SERVED)
    await cleanup.run()
    cleanup.add({ protocols: ['UDP'], removed: [removed('10.96.0.2')], isRepair: false }, NOTHING_SERVED)
    await cleanup.run()
    await cleanup.run()
    t.equal(table.entries.length, 3)
    t.equal(log.entries.filter(({ severity }) => severity === 'error').length, 1, 'reported once')
    state.fails = false
    await cleanup.run()
    t.strictSame(
      table.entries.map(({ destination }) => destination.address),
      ['10.96.0.3'],
    )
    const { lists } = state
    await cleanup.run()
    t.equal(state.lists, lists, 'after success nothing is due')
  },
)

t.test('a cleanup that deletes only a part is repeated', async t => {
  const { state, table, cleanup } = setUp()
  table.entries = [flow('UDP', '10.96.0.1')]
  state.left = 1
  cleanup.add({ protocols: ['UDP'], removed: [removed('10.96.0.1')], isRepair: false }, NOTHING_SERVED)
  await cleanup.run()
  state.left = 0
  table.entries = [flow('UDP', '10.96.0.1')]
  await cleanup.run()
  t.strictSame(table.entries, [])
})

t.test('only flows of the protocols that the change concerns are listed', async t => {
  const { state, table, cleanup } = setUp()
  const [tcp, udp] = [flow('TCP', '10.96.0.1'), flow('UDP', '10.96.0.1')]
  table.entries = [tcp, udp]
  cleanup.add({ protocols: [], removed: [], isRepair: false }, NOTHING_SERVED)
  await cleanup.run()
  t.equal(state.lists, 0)
  const targets = [
    { protocol: 'TCP', address: '10.96.0.1', port: 53, replySources: [end('10.244.0.5', 8080)] },
  ] as const
  cleanup.add({ protocols: ['TCP'], removed: [], isRepair: false }, () => ({ targets, nodeAddresses: new Set() }))
  await cleanup.run()
  t.strictSame(table.entries, [udp])
})

t.test(
  'after a repair of rules, flows of all protocols are compared, and each one without an answer is stale',
  async t => {
    const { state, table, cleanup } = setUp()
    const targets = (['TCP', 'UDP'] as const).map(protocol => ({
      protocol,
      address: '10.96.0.1',
      port: 53,
      replySources: [end('10.244.0.5', 53)],
    }))
    const right = (['TCP', 'UDP'] as const).map(protocol => flow(protocol, '10.96.0.1', '10.244.0.5'))
    const foreign = flow('TCP', '10.96.0.2')
    const waiting = { ...right[1]!, source: end('10.244.0.3', 5000), isUnanswered: true } as const
    const entries = [...right, waiting, flow('TCP', '10.96.0.1'), flow('UDP', '10.96.0.1'), foreign]
    table.entries = entries
    const change = { protocols: [], removed: [] }
    state.left = 1
    cleanup.add({ ...change, isRepair: true }, () => ({ targets, nodeAddresses: new Set() }))
    await cleanup.run()
    t.strictSame(table.entries, [right[1], foreign])
    table.entries = entries
    state.left = 0
    cleanup.add({ ...change, isRepair: false }, () => ({ targets, nodeAddresses: new Set() }))
    await cleanup.run()
    t.strictSame(table.entries, [right[1], foreign], 'it stays due until it has succeeded')
    table.entries = entries
    cleanup.add({ ...change, protocols: ['TCP', 'UDP'], isRepair: false }, () => ({
      targets,
      nodeAddresses: new Set(),
    }))
    await cleanup.run()
    t.strictSame(table.entries, [...right, waiting, foreign], 'other changes keep what leads to the right endpoint')
  },
)

t.test('each search is reported with the number of flows that it deleted', async t => {
  const { state, table, searches, cleanup } = setUp()
  const [tcp, udp] = [flow('TCP', '10.96.0.1'), flow('UDP', '10.96.0.1')]
  table.entries = [tcp, udp, flow('UDP', '10.96.0.2')]
  cleanup.add(
    { protocols: ['TCP', 'UDP'], removed: [removed('10.96.0.1'), removed('10.96.0.2')], isRepair: false },
    NOTHING_SERVED,
  )
  state.fails = true
  await cleanup.run()
  state.fails = false
  state.left = 1
  await cleanup.run()
  state.left = 0
  await cleanup.run()
  await cleanup.run()
  t.strictSame(
    searches,
    [0, 1, 0],
    'a search that fails, one that leaves a flow, the last one, and none when nothing is due',
  )
})
