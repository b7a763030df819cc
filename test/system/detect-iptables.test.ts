import t, { type Test } from 'tap'
import { ProxyFailure } from '../../lib/model/failure.js'
import { findIptables, stepForUnreadable } from '../../lib/system/detect-iptables.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ProgramHook } from '../support/processes/program-hook.js'

/** What programs of iptables say and do at the first calls, each by its name. */
function failFirst(t: Test, programs: RegExp, failures: number, how: string): void {
  const { env } = new ProgramHook(
    t,
    programs,
    `echo >> "$HOOK/$PROGRAM"; if [ $(wc -l < "$HOOK/$PROGRAM") -le ${failures} ]; then ${how}; fi`,
  )
  const before = process.env['PATH']
  process.env['PATH'] = env['PATH']
  t.teardown(() => (process.env['PATH'] = before))
}

/** What a program says that may work a moment later. */
const PASSING = {
  'short of memory': 'echo "Cannot initialize: Memory allocation problem" >&2; exit 4',
  killed: 'kill -KILL $$',
  'without a reason': 'exit 1',
}

const options = { skip: namespacesUnavailable }

for (const [why, how] of Object.entries(PASSING)) {
  t.test(`the rules of a family cannot be read once (${why}): it is served nevertheless`, options, async t => {
    // The first call of the IPv4 program looks for the back end.
    failFirst(t, /^ip6?tables-(nft|legacy)-save$/, 2, how)
    const { usable } = await findIptables()
    t.strictSame(
      usable.map(({ family }) => family),
      ['IPv4', 'IPv6'],
    )
  })
}

t.test('the back end of the node cannot be read once: the other one is not taken instead', options, async t => {
  const { backEnd } = await findIptables()
  failFirst(t, new RegExp(`^iptables-${backEnd}-save$`), 2, PASSING['short of memory'])
  const again = await findIptables()
  t.strictSame([again.backEnd, again.unreadable], [backEnd, undefined])
})

t.test('a back end that stays unreadable though the kernel has it is reported with the reason', options, async t => {
  const { backEnd } = await findIptables()
  const other = backEnd === 'nft' ? 'legacy' : 'nft'
  failFirst(t, new RegExp(`^iptables-${other}-save$`), 100, PASSING['without a reason'])
  const { unreadable } = await findIptables()
  t.match(unreadable, { backEnd: other, failure: { code: 'IPTABLES_RESTORE_FAILED' } })
})

t.test(
  'a back end that may hold the rules of the node, but must not be read, is not replaced by an empty one',
  options,
  async t => {
    const denied = `echo "Can't open socket to ipset." >&2; exit 1`
    failFirst(t, /^iptables-nft-save$/, 100, denied)
    failFirst(t, /^iptables-legacy-save$/, 100, 'exit 0')
    await t.rejects(findIptables(), { code: 'IPTABLES_FORBIDDEN' })
  },
)

t.test('a back end that must not be read is reported, if the other one has rules', options, async t => {
  failFirst(t, /^iptables-nft-save$/, 100, `echo "Can't open socket to ipset." >&2; exit 1`)
  failFirst(t, /^iptables-legacy-save$/, 100, `printf '*filter\\n-A INPUT -j ACCEPT\\nCOMMIT\\n'; exit 0`)
  const { backEnd, unreadable } = await findIptables()
  t.equal(backEnd, 'legacy')
  t.match(unreadable, { backEnd: 'nft', failure: { code: 'IPTABLES_FORBIDDEN' } })
})

t.test('what the kernel lacks is not tried again', options, async t => {
  for (const message of [
    "ip6tables: can't initialize ip6tables table `nat': Table does not exist (do you need to insmod?)",
    'Cannot initialize: iptables who? (do you need to insmod?)',
    'Failed to initialize nft: Protocol not supported',
    'Cannot initialize: Address family not supported by protocol',
  ]) {
    // It would work at the second attempt.
    failFirst(t, /^ip6tables-(nft|legacy)-save$/, 1, `echo "${message.replaceAll('`', '')}" >&2; exit 1`)
    const { usable, unusable } = await findIptables()
    t.strictSame(
      usable.map(({ family }) => family),
      ['IPv4'],
      message,
    )
    t.match(unusable, [{ family: 'IPv6', error: { code: 'IPTABLES_ABSENT' } }], message)
  }
})

t.test('a family that the node uses is left out only for a reason that lasts', t => {
  const failed = (code: ProxyFailure['code']) => new ProxyFailure(code, 'failed')
  const TABLE = [
    ['IPTABLES_ABSENT', true, 'warn'],
    ['IPTABLES_FORBIDDEN', true, 'warn'],
    ['PROGRAM_MISSING', true, 'warn'],
    ['PROGRAM_FAILED', true, 'fail'],
    ['IPTABLES_LOCKED', true, 'fail'],
    ['IPTABLES_RESTORE_FAILED', true, 'fail'],
    ['RULES_TOO_LARGE', true, 'fail'],
    ['IPTABLES_ABSENT', false, 'inform'],
    ['PROGRAM_FAILED', false, 'inform'],
  ] as const
  for (const [code, isUsed, step] of TABLE)
    t.equal(stepForUnreadable(failed(code), isUsed), step, `${code}, ${isUsed ? 'used' : 'not used'}`)
  t.end()
})
