import t from 'tap'
import { ProxyFailure } from '../../lib/model/failure.js'
import { type DummyInterface } from '../../lib/system/dummy-interface.js'
import { type IpSets } from '../../lib/system/ip-sets.js'
import { type Ipvs } from '../../lib/system/ipvs.js'
import { probeIpvs } from '../../lib/system/probe-ipvs.js'

void t.test('the probe of ipvs mode creates and removes one of each thing, and returns the first failure', async t => {
  const done: string[] = []
  const parts = (failing: string) => {
    const step = (name: string) => (): Promise<void> => {
      done.push(name)
      return name === failing ? Promise.reject(new ProxyFailure('IPVS_ABSENT', name)) : Promise.resolve()
    }
    const ipvs: Ipvs = {
      list: () => step('list')().then(() => []),
      change: ([change]) => step(change!.kind)(),
      setTimeouts: step('timeouts'),
    }
    const sets: IpSets = { read: () => Promise.resolve(new Map()), restore: step('set') }
    const dummy: DummyInterface = {
      read: () => Promise.resolve(undefined),
      ensure: step('interface'),
      change: step('address'),
      delete: step('no interface'),
    }
    return probeIpvs('rr', ipvs, sets, dummy)
  }
  t.equal(await parts(''), undefined)
  t.strictSame(done, ['list', 'add', 'delete', 'set', 'interface', 'no interface'], 'and nothing remains')
  for (const failing of ['list', 'add', 'set', 'interface']) t.equal((await parts(failing))?.message, failing)
})
