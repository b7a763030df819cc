import t from 'tap'
import { ProxyFailure } from '../../lib/model/failure.js'
import { trySetMatch } from '../../lib/modes/try-set-match.js'
import { MemoryIptables } from '../support/memory-iptables.js'

/** A kernel that has sets, and no rules that ask them. */
class WithoutSetMatch extends MemoryIptables {
  override restore(text: string): Promise<void> {
    if (!text.includes('--match-set')) return super.restore(text)
    return Promise.reject(new ProxyFailure('PROGRAM_FAILED', "Couldn't load match `set'"))
  }
}

void t.test('Where rules cannot ask sets it is said, and the set that was tried goes all the same', async t => {
  const restored: string[] = []
  const sets = {
    read: () => Promise.resolve(new Map()),
    restore: (text: string) => Promise.resolve(void restored.push(text.trim().split(' ').slice(0, 2).join(' '))),
  }
  t.match(await trySetMatch(new WithoutSetMatch('IPv6'), sets), /^IPv6: .*match `set'/)
  t.equal(await trySetMatch(new MemoryIptables('IPv4'), sets), undefined)
  t.same(restored, [
    'create KUBE-PROXY-PROBE-IPv6',
    'destroy KUBE-PROXY-PROBE-IPv6',
    'create KUBE-PROXY-PROBE-IPv4',
    'destroy KUBE-PROXY-PROBE-IPv4',
  ])
})
