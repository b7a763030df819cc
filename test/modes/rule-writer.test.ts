import t from 'tap'
import { type Rule, type RuleSet } from '../../lib/netfilter/rule-set.js'
import { RuleWriter } from '../../lib/modes/rule-writer.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { MemoryIptables } from '../support/kernel/memory-iptables.js'
import { RecordingLog } from '../support/log/recording-log.js'

const CHAIN = 'KUBE-REFUSE'
const DROPPED: Rule = { target: { kind: 'DROP' } }
const ACCEPTED: Rule = { source: '10.0.0.1', target: { kind: 'ACCEPT' } }
const RULES: RuleSet = {
  family: 'IPv4',
  tables: new Map([
    [
      'filter',
      {
        chains: new Map([[CHAIN, [DROPPED]]]),
        links: [
          {
            chain: 'INPUT',
            position: 'first',
            staysAbove: 'acceptance',
            rule: { target: { kind: 'jump', chain: CHAIN } },
          },
        ],
      },
    ],
  ]),
}

/** A program that wants the first place in INPUT too. */
function insertAbove(kernel: MemoryIptables): void {
  const isThere = kernel.tables.chain('filter', 'INPUT')!.some(rule => rule.includes('cni0'))
  const remove = isThere ? '-D INPUT -i cni0 -j ACCEPT\n' : ''
  kernel.tables.restore(`*filter\n${remove}-I INPUT 1 -i cni0 -j ACCEPT\nCOMMIT\n`)
}

t.test(
  'A contest with another program for the first place is bounded and reported once, and goes on later',
  async t => {
    const kernel = new MemoryIptables('IPv4')
    const clock = new ManualClock()
    const log = new RecordingLog()
    const owners = { own: new Map([['filter', { names: [CHAIN], prefixes: [] }]]), others: [] }
    const writer = new RuleWriter(kernel, ['filter'], owners, log, clock)
    const isFirst = (): boolean => kernel.tables.chain('filter', 'INPUT')![0]!.at(-1) === CHAIN
    const check = async (): Promise<boolean> => !(await writer.check()) && (await writer.write(RULES)).changed
    await writer.read()
    await writer.write(RULES)
    let moves = 0
    for (let round = 0; round < 20; round++) {
      insertAbove(kernel)
      if (await check()) moves++
      await clock.advance(1000)
    }
    t.equal(moves, 3)
    t.notOk(isFirst())
    t.equal(log.entriesWith('again and again').length, 1)
    t.equal(await check(), false, 'as long as it may not move, there is nothing to do')
    await clock.advance(600_000)
    t.equal(await check(), true)
    t.ok(isFirst())
    t.equal(await check(), false)
  },
)

t.test('a write is a repair if the kernel has lost what an earlier write contained, not if it only adds', async t => {
  const withMore: RuleSet = {
    family: 'IPv4',
    tables: new Map([
      ['filter', { ...RULES.tables.get('filter')!, chains: new Map([[CHAIN, [ACCEPTED, DROPPED] as const]]) }],
    ]),
  }
  const table: readonly (readonly [name: string, damage: string | undefined, rules: RuleSet, isRepair: boolean])[] = [
    ['nothing', undefined, RULES, false],
    ['an own change', undefined, withMore, false],
    ['a foreign rule beside an own change', '-A INPUT -i cni0 -j ACCEPT', withMore, false],
    ['a rule is gone', `-D ${CHAIN} -j DROP`, RULES, true],
    ['a rule is gone beside an own change', `-D ${CHAIN} -j DROP`, withMore, true],
    ['the link is gone beside an own change', `-D INPUT -j ${CHAIN}`, withMore, true],
  ]
  for (const [name, damage, rules, isRepair] of table) {
    const kernel = new MemoryIptables('IPv4')
    const owners = { own: new Map([['filter', { names: [CHAIN], prefixes: [] }]]), others: [] }
    const writer = new RuleWriter(kernel, ['filter'], owners, new RecordingLog(), new ManualClock())
    await writer.read()
    await writer.write(RULES)
    if (damage !== undefined) kernel.tables.restore(`*filter\n${damage}\nCOMMIT\n`)
    // After an own write nothing is known of the kernel, so the check reads it.
    t.equal(await writer.check(), false)
    const report = await writer.write(rules)
    t.equal(report.isRepair, isRepair, name)
    t.equal(report.changed, name !== 'nothing', name)
  }
})
