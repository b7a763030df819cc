import t from 'tap'
import { ForeignChanges, concernsChainsOf } from '../../lib/netfilter/foreign-changes.js'
import { IPTABLES_CHAINS } from '../../lib/modes/iptables/chains.js'

/** Lines of iptables 1.8.9. */
const RESTORE = 'NEWGEN: GENID=16 PID=26788 NAME=iptables-nft-re'
const RESTORE6 = 'NEWGEN: GENID=17 PID=26796 NAME=ip6tables-nft-r'
const OTHER = 'NEWGEN: GENID=18 PID=26799 NAME=iptables-nft'
const OURS = ' EVENT: -4 -t nat -A KUBE-SERVICES -j RETURN'
const BUILT_IN = ' EVENT: -4 -t filter -D INPUT -j KUBE-NODEPORTS'
const BUILT_IN6 = ' EVENT: -6 -t nat -A PREROUTING -j CNI-HOSTPORT-DNAT'
const FOREIGN = ' EVENT: -4 -t nat -A CNI-HOSTPORT-DNAT -j RETURN'
const NOISE = [' EVENT: nft: NEW table: table filter ip flags 0 use 2 handle 3', 'anything else']

function feed(lines: readonly string[], prepare: (changes: ForeignChanges) => void = () => undefined) {
  const changes = new ForeignChanges(concernsChainsOf(IPTABLES_CHAINS))
  prepare(changes)
  const reported = lines.map(line => changes.addLine(line))
  return { changes, reported, counts: [changes.count('IPv4'), changes.count('IPv6')] }
}

t.test('changes of our chains and of those with our jumps count, at the end of the commit', t => {
  t.strictSame(feed([...NOISE, OURS, OTHER]).reported, [undefined, undefined, undefined, ['IPv4']])
  t.strictSame(feed([OURS, BUILT_IN, OTHER, BUILT_IN6, RESTORE6]).counts, [1, 1])
  t.strictSame(feed([FOREIGN, OTHER]).counts, [0, 0], 'chains of other programs do not')
  t.strictSame(feed([' EVENT: -4 -t mangle -A INPUT -j X', OTHER]).counts, [1, 0])
  t.strictSame(feed([' EVENT: -4 -t raw -A PREROUTING -j X', OTHER]).counts, [0, 0], 'nor tables without our rules')
  t.end()
})

t.test('as many commits as we have made are ours', t => {
  const expectTwo = (changes: ForeignChanges): void => changes.expect('IPv4', 2)
  t.strictSame(feed([OURS, RESTORE, BUILT_IN, RESTORE], expectTwo).counts, [0, 0])
  t.strictSame(feed([OURS, RESTORE, BUILT_IN, RESTORE, BUILT_IN, RESTORE], expectTwo).counts, [1, 0])
  t.strictSame(feed([OURS, OTHER, BUILT_IN, RESTORE], expectTwo).counts, [1, 0], 'another program')
  t.strictSame(feed([BUILT_IN6, RESTORE6], expectTwo).counts, [0, 1], 'the other family')
  t.strictSame(feed([RESTORE], expectTwo).reported, [[]])
  t.end()
})

t.test('a commit of this proxy that is never reported counts as a change', t => {
  const { changes } = feed([OURS, RESTORE], each => each.expect('IPv4', 2))
  t.ok(changes.settle('IPv4'))
  t.notOk(changes.settle('IPv4'))
  t.equal(changes.count('IPv4'), 1)
  t.strictSame(changes.addLine(RESTORE), [], 'and does not hide a later one')
  changes.addLine(OURS)
  t.strictSame(changes.addLine(RESTORE), ['IPv4'])
  t.end()
})

t.test('a gap in the reports counts for both families', t => {
  const { changes } = feed([OURS])
  changes.countUnknown()
  t.strictSame([changes.count('IPv4'), changes.count('IPv6')], [1, 1])
  t.strictSame(changes.addLine(OTHER), [], 'the rest of what was lost is no second change')
  changes.expect('IPv4', 1)
  changes.countUnknown()
  changes.addLine(OURS)
  t.strictSame(changes.addLine(RESTORE), ['IPv4'], 'commits of before the gap are no longer expected')
  t.end()
})

t.test('watched chains of other programs count too, and a new one counts at once', t => {
  const changes = new ForeignChanges(concernsChainsOf(IPTABLES_CHAINS))
  const inWatched = ' EVENT: -4 -t filter -A FIREWALL-INPUT -j ACCEPT'
  t.ok(changes.watchAlso('IPv4', new Set(['filter FIREWALL-INPUT', 'filter FIREWALL-PODS'])))
  t.strictSame([changes.count('IPv4'), changes.count('IPv6')], [1, 0], 'its changes may have been missed')
  t.notOk(changes.watchAlso('IPv4', new Set(['filter FIREWALL-INPUT'])))
  t.equal(changes.count('IPv4'), 1)
  changes.addLine(inWatched)
  t.strictSame(changes.addLine(OTHER), ['IPv4'])
  for (const unwatched of [
    inWatched.replace('-4', '-6'),
    inWatched.replace('filter', 'nat'),
    inWatched.replace('INPUT', 'PODS'),
  ]) {
    changes.addLine(unwatched)
    t.strictSame(changes.addLine(OTHER), [], unwatched)
  }
  t.end()
})

t.test('a commit whose program may change IPv6 counts for IPv6, though it reports no changes of it', t => {
  t.strictSame(feed([RESTORE6]).counts, [0, 1])
  t.strictSame(feed([RESTORE6], changes => changes.expect('IPv6', 1)).counts, [0, 0])
  t.strictSame(feed(['NEWGEN: GENID=1 PID=2 NAME=ip6tables']).counts, [0, 1])
  t.strictSame(feed([OURS, 'NEWGEN: GENID=1 PID=2 NAME=nft']).counts, [1, 1])
  for (const program of ['iptables', 'iptables-nft-re', 'arptables-nft', 'ebtables-nft-re'])
    t.strictSame(feed([`NEWGEN: GENID=1 PID=2 NAME=${program}`]).counts, [0, 0], program)
  t.end()
})

t.test('the form of version 1.8.10 is understood; without a form that is, nothing is reliable', t => {
  const newer = ' EVENT: iptables -t nat -A KUBE-SERVICES -j RETURN'
  t.strictSame(feed([newer, OTHER]).counts, [1, 0])
  t.strictSame(feed([newer.replace('iptables', 'ip6tables'), RESTORE6]).counts, [0, 1])
  t.ok(feed([FOREIGN]).changes.areUnderstood)
  t.notOk(feed([...NOISE, ' EVENT: of a later version -t nat', OTHER]).changes.areUnderstood)
  const { changes } = feed([FOREIGN, OTHER])
  changes.countUnknown()
  t.notOk(changes.areUnderstood)
  t.end()
})

t.test('commits of a write that was refused are not expected any more, and count as no change', t => {
  const refused = (changes: ForeignChanges): void => {
    changes.expect('IPv4', 2)
    changes.forgetExpected('IPv4')
  }
  const { changes, counts } = feed([], refused)
  t.strictSame(counts, [0, 0])
  t.notOk(changes.settle('IPv4'), 'so a check does not lead to the next one')
  t.strictSame(feed([OURS, RESTORE], refused).counts, [1, 0], 'the next one is of another program')
  t.end()
})
