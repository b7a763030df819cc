import { spawnSync } from 'node:child_process'
import t from 'tap'
import { type IpFamily } from '../../lib/model/address.js'
import { IpvsPlanner } from '../../lib/modes/ipvs/plan.js'
import { EMPTY_SNAPSHOT } from '../../lib/model/snapshot.js'
import {
  type IpSet,
  type IpSetType,
  type ObservedSet,
  additionInput,
  removalInput,
} from '../../lib/system/ip-set-text.js'
import { ipSetFailure } from '../../lib/system/ip-sets.js'
import { NodeProcess } from '../support/nodes/node-process.js'
import { type IpSetsCommand } from '../support/kernel/ip-sets-entry.js'
import { NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'

const skipReason =
  namespacesUnavailable ||
  (spawnSync('ipset', ['list', '-n']).status === 0 ? false : 'needs ipset, and a kernel with sets')

function setOf(name: string, type: IpSetType, entries: readonly string[], family: IpFamily = 'IPv4'): IpSet {
  return { name, type, family, entries: new Set(entries) }
}

void t.test('the kernel gets the desired sets', { skip: skipReason, timeout: 60_000 }, async t => {
  const network = await NodeNetwork.create(t)
  const inside = new NodeProcess(network, 'kernel/ip-sets-entry')
  const send = async (command: IpSetsCommand): Promise<unknown> =>
    JSON.parse(await inside.sendCommand(command)) as unknown
  const read = async (): Promise<Map<string, ObservedSet>> => {
    const observed = (await send({ do: 'read' })) as (readonly [string, string, readonly string[]])[]
    return new Map(observed.map(([name, header, entries]) => [name, { header, entries: new Set(entries) }]))
  }
  const entriesOf = (observed: ReadonlyMap<string, ObservedSet>): Record<string, string[]> =>
    Object.fromEntries([...observed].map(([name, { entries }]) => [name, [...entries].sort()]))
  const desired = [
    setOf('KUBE-A', 'hash:ip,port', ['10.96.0.10,tcp:80', '10.96.0.10,sctp:80', '10.96.0.11,udp:53']),
    setOf('KUBE-B', 'hash:ip,port,net', ['10.0.0.1,tcp:80,198.51.100.0/24', '10.0.0.1,tcp:80,192.0.2.1']),
    setOf('KUBE-C', 'bitmap:port', ['30080']),
    setOf('KUBE-D', 'hash:ip', []),
    setOf('KUBE-6-A', 'hash:ip,port,ip', ['fd00::1,tcp:80,fd00::1', '1:0:0:2::3,udp:9,1:0:0:2::3'], 'IPv6'),
  ]
  const desiredEntries = entriesOf(new Map(desired.map(set => [set.name, { header: '', entries: set.entries }])))

  await t.test('sets are created and filled', async t => {
    t.equal(await send({ do: 'restore', text: additionInput(desired, await read()) }), 'done')
    const observed = await read()
    t.strictSame(entriesOf(observed), desiredEntries)
    t.equal(additionInput(desired, observed), '')
    t.equal(removalInput(desired, observed), '')
  })

  await t.test('an entry that the program or the kernel refuses keeps no other one out', async t => {
    const text =
      'add KUBE-A not-an-address\nadd KUBE-A 10.96.0.20,tcp:80\nadd KUBE-A 10.96.0.21,tcp:80,10.0.0.1\n' +
      'create KUBE-SMALL hash:ip,port family inet maxelem 1\nadd KUBE-SMALL 10.96.0.1,tcp:1\nadd KUBE-SMALL 10.96.0.1,tcp:2\n' +
      'add KUBE-C 30081\n'
    t.strictSame(await send({ do: 'restore sets', text }), [
      'add KUBE-A not-an-address',
      'add KUBE-A 10.96.0.21,tcp:80,10.0.0.1',
      'add KUBE-SMALL 10.96.0.1,tcp:2',
    ])
    const entries = entriesOf(await read())
    t.ok(entries['KUBE-A']?.includes('10.96.0.20,tcp:80'))
    t.strictSame(entries['KUBE-C'], ['30080', '30081'])
    t.match(await send({ do: 'restore sets', text: 'add KUBE-NONE 1.2.3.4\n'.repeat(30) }), /add KUBE-NONE/)
    const back = 'del KUBE-A 10.96.0.20,tcp:80\ndel KUBE-C 30081\ndestroy KUBE-SMALL\n'
    t.strictSame(await send({ do: 'restore sets', text: back }), [])
  })

  await t.test('only missing entries are added, and only extra ones removed', async t => {
    const others = [setOf('KUBE-A', 'hash:ip,port', ['10.96.0.11,udp:53', '10.96.0.12,tcp:80']), ...desired.slice(1)]
    const text = additionInput(others, await read())
    t.equal(text, 'add KUBE-A 10.96.0.12,tcp:80\n')
    t.equal(await send({ do: 'restore', text }), 'done')
    t.equal(await send({ do: 'restore', text: removalInput(others, await read()) }), 'done')
    t.strictSame(entriesOf(await read())['KUBE-A'], ['10.96.0.11,udp:53', '10.96.0.12,tcp:80'])
    t.equal(await send({ do: 'restore', text: additionInput(desired, await read()) }), 'done')
    t.equal(await send({ do: 'restore', text: removalInput(desired, await read()) }), 'done')
    t.strictSame(entriesOf(await read()), desiredEntries, 'and back')
  })

  await t.test('a set of kube-proxy for fewer entries is replaced in one step, with its entries', async t => {
    const text = 'create KUBE-E hash:ip,port family inet hashsize 1024 maxelem 65536\nadd KUBE-E 10.96.0.9,tcp:80\n'
    t.equal(await send({ do: 'restore', text }), 'done')
    await network.node.run('iptables', ['-A', 'INPUT', '-m', 'set', '--match-set', 'KUBE-E', 'dst,dst', '-j', 'ACCEPT'])
    const set = [setOf('KUBE-E', 'hash:ip,port', ['10.96.0.10,tcp:80'])]
    const replacing = additionInput(set, await read())
    t.match(replacing, /swap KUBE-E KUBE-SWAP/)
    t.equal(await send({ do: 'restore', text: replacing }), 'done')
    const observed = await read()
    t.strictSame(entriesOf(observed)['KUBE-E'], ['10.96.0.10,tcp:80', '10.96.0.9,tcp:80'])
    t.notOk(observed.has('KUBE-SWAP'))
    t.equal(additionInput(set, observed), '')
    t.equal(removalInput(set, observed), 'del KUBE-E 10.96.0.9,tcp:80\n')
  })

  await t.test('a refused line is quoted', async t => {
    const message = await send({ do: 'restore', text: 'add KUBE-A 10.0.0.1,tcp:1\nadd KUBE-A nonsense\n' })
    t.match(message, /failed, at line 2: "add KUBE-A nonsense"/)
  })

  await t.test('the probe for rules with sets leaves no trace', async t => {
    const before = await read()
    for (const family of ['IPv4', 'IPv6'] as const)
      for (const backEnd of ['nft', 'legacy'] as const) {
        t.equal(await send({ do: 'probe', family, backEnd }), 'done', `${family}, ${backEnd}`)
        const save = `${family === 'IPv4' ? 'iptables' : 'ip6tables'}-${backEnd}-save`
        t.notMatch((await network.node.run(save, [])).stdout, /PROBE/)
      }
    t.same(await read(), before)
  })

  await t.test('rules with sets read as the kernel prints them', async t => {
    for (const family of ['IPv4', 'IPv6'] as const) {
      const place = {
        localTraffic: { localMatches: [], nodePortAddresses: undefined },
        nodeAddresses: [],
        foreignServers: new Set(''),
      }
      const settings = { scheduler: 'rr', masqueradeAll: false, masqueradeMark: 1, randomFully: false }
      const { sets } = new IpvsPlanner(family, settings).plan({ snapshot: EMPTY_SNAPSHOT, frontends: [] }, place)
      t.equal(await send({ do: 'restore', text: additionInput(sets.values(), await read()) }), 'done')
      for (const backEnd of ['nft', 'legacy'] as const)
        t.strictSame(await send({ do: 'rules', family, backEnd }), [true, ''], `${family}, ${backEnd}`)
    }
  })
})

void t.test('an error of ipset gives a failure by its kind', t => {
  const code = (stderr: string): string => ipSetFailure(['save'], stderr, '').code
  t.equal(code('ipset v7.17: Kernel error received: Operation not permitted'), 'IPVS_FORBIDDEN')
  t.equal(code('ipset v7.17: Cannot open session to kernel.'), 'IPVS_ABSENT')
  t.equal(
    code('ipset v7.17: Error in line 1: Set cannot be created: set with the same name already exists'),
    'IPSET_FAILED',
  )
  t.end()
})
