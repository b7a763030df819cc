import t from 'tap'
import { abandonableIptables } from '../../lib/failover/abandonable-iptables.js'
import { type TakeOverRules, takeOver } from '../../lib/failover/take-over.js'
import { type IpFamily } from '../../lib/model/address.js'
import { type FailureCode, ProxyFailure } from '../../lib/model/failure.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { MemoryIptables } from '../support/kernel/memory-iptables.js'
import { RecordingLog } from '../support/log/recording-log.js'

const UNCHANGED = { changed: false, rules: [] }

/** Rules whose writes fail with these codes, one after the other. After the last one they succeed. */
function rulesOf(family: IpFamily, codes: readonly FailureCode[] = [], onWrite = () => Promise.resolve()) {
  const left = [...codes]
  let writes = 0
  const rules: TakeOverRules = {
    family,
    start: () => Promise.resolve(),
    async program() {
      writes++
      await onWrite()
      const code = left.shift()
      if (code !== undefined) throw new ProxyFailure(code, `no ${family}`)
      return UNCHANGED
    },
  }
  return { rules, writes: () => writes }
}

function begin(families: readonly { rules: TakeOverRules }[]) {
  const [clock, log, abandon] = [new ManualClock(), new RecordingLog(), new AbortController()]
  const result = takeOver(
    families.map(({ rules }) => rules),
    { abandon: abandon.signal, clock, log },
  )
  return { clock, log, abandon, result }
}

t.test('a family that fails is tried again every second, the others are not, and the log says it once', async t => {
  const [ipv4, ipv6] = [rulesOf('IPv4', ['IPTABLES_LOCKED', 'IPTABLES_LOCKED']), rulesOf('IPv6')]
  const { clock, log, result } = begin([ipv4, ipv6])
  await clock.advance(999)
  t.strictSame([ipv4.writes(), ipv6.writes()], [1, 1])
  await clock.advance(1001)
  t.equal(await result, true)
  t.strictSame([ipv4.writes(), ipv6.writes()], [3, 1])
  t.match(log.entries, [
    { severity: 'error', message: 'The kernel cannot take over', fields: { family: 'IPv4' } },
    { severity: 'info', message: 'The kernel serves from now on' },
  ])
})

t.test('a family that cannot succeed here is tried once, and the other one is served', async t => {
  const [ipv4, ipv6] = [rulesOf('IPv4', ['IPTABLES_ABSENT']), rulesOf('IPv6')]
  const { log, result } = begin([ipv4, ipv6])
  t.equal(await result, false)
  t.strictSame([ipv4.writes(), ipv6.writes()], [1, 1])
  t.match(log.entries, [{ severity: 'error', fields: { family: 'IPv4' } }])
})

t.test('when it is abandoned, a write that has begun ends and no other begins', async t => {
  let endWrite = (): void => undefined
  const ipv4 = rulesOf('IPv4', [], () => new Promise(resolve => (endWrite = resolve)))
  const ipv6 = rulesOf('IPv6')
  const { abandon, log, result } = begin([ipv4, ipv6])
  let hasEnded = false
  void result.then(() => (hasEnded = true))
  await new Promise(setImmediate)
  abandon.abort()
  await new Promise(setImmediate)
  t.notOk(hasEnded, 'it has not ended while a write runs')
  endWrite()
  t.equal(await result, false)
  t.equal(ipv6.writes(), 0)
  t.strictSame(log.entries, [])
})

t.test('when it is abandoned, it does not wait for the next attempt', async t => {
  const ipv4 = rulesOf('IPv4', ['IPTABLES_LOCKED'])
  const { clock, abandon, result } = begin([ipv4])
  await clock.advance(500)
  abandon.abort()
  t.equal(await result, false)
  t.equal(ipv4.writes(), 1)
})

t.test('abandoned rules are neither read nor written', async t => {
  const iptables = new MemoryIptables('IPv4', () => true)
  const abandon = new AbortController()
  const abandonable = abandonableIptables(iptables, abandon.signal)
  await abandonable.restore('*nat\n:KUBE-SERVICES - [0:0]\nCOMMIT\n')
  abandon.abort()
  await t.rejects(abandonable.restore('*nat\n:KUBE-NODEPORTS - [0:0]\nCOMMIT\n'), { name: 'AbortError' })
  await t.rejects(abandonable.read(['nat']), { name: 'AbortError' })
  const chains = [...((await iptables.read(['nat'])).get('nat')?.keys() ?? [])]
  t.ok(chains.includes('KUBE-SERVICES'))
  t.notOk(chains.includes('KUBE-NODEPORTS'))
})
