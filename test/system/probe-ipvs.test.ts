import t from 'tap'
import { ProxyFailure } from '../../lib/model/failure.js'
import { type DummyInterface } from '../../lib/system/dummy-interface.js'
import { type IpSets } from '../../lib/system/ip-sets.js'
import { type Ipvs } from '../../lib/system/ipvs.js'
import { probeDummyInterface, probeIpSets, probeIpvsScheduler } from '../../lib/system/probe-ipvs.js'

void t.test('the probes of ipvs mode create and remove one of each thing, and throw what fails', async t => {
  const done: string[] = []
  const parts = (failing: string) => {
    const step = (name: string) => (): Promise<void> => {
      done.push(name)
      return name === failing ? Promise.reject(new ProxyFailure('IPVS_ABSENT', name)) : Promise.resolve()
    }
    const ipvs: Ipvs = {
      list: () => step('list')().then(() => []),
      listPersisted: () => Promise.reject(new Error('a probe has no clients')),
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
    return [() => probeIpvsScheduler('rr', ipvs), () => probeIpSets(sets), () => probeDummyInterface(dummy)]
  }
  for (const probe of parts('')) await probe()
  t.strictSame(done, ['list', 'add', 'delete', 'set', 'interface', 'no interface'], 'and nothing remains')
  for (const [failing, index] of [
    ['list', 0],
    ['add', 0],
    ['set', 1],
    ['interface', 2],
  ] as const)
    await t.rejects(parts(failing)[index]!(), { message: failing })
})
