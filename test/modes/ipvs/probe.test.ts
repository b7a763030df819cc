import t from 'tap'
import { ProxyFailure } from '../../../lib/model/failure.js'
import { probeSetMatch } from '../../../lib/modes/ipvs/probe.js'
import { MemoryIpSets } from '../../support/kernel/memory-ip-sets.js'
import { MemoryIptables } from '../../support/kernel/memory-iptables.js'

/** A kernel that has sets, but no rules that match them. */
class WithoutSetMatch extends MemoryIptables {
  override restore(text: string): Promise<void> {
    if (!text.includes('--match-set')) return super.restore(text)
    return Promise.reject(new ProxyFailure('PROGRAM_FAILED', "Couldn't load match `set'"))
  }
}

void t.test('The probe says why rules cannot match sets, and removes its set in any case', async t => {
  const sets = new MemoryIpSets(() => [])
  t.match(await probeSetMatch(new WithoutSetMatch('IPv6'), sets), /^IPv6: .*match `set'/)
  t.same([...(await sets.read())], [])
  t.equal(await probeSetMatch(new MemoryIptables('IPv4', name => sets.get(name) !== undefined), sets), undefined)
  t.same([...(await sets.read())], [])
  t.equal(sets.writes, 4)
})
