import { spawnSync } from 'node:child_process'
import t from 'tap'
import { type IpFamily } from '../../lib/model/address.js'
import { IpvsPlanner } from '../../lib/modes/ipvs/plan.js'
import { EMPTY_SNAPSHOT } from '../../lib/model/snapshot.js'
import { type IpSet, type IpSetType } from '../../lib/system/ip-set-text.js'
import { type ObservedSet, additionInput, removalInput } from '../../lib/system/ip-set-text.js'
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

void t.test('The kernel has the sets that are wanted', { skip: skipReason, timeout: 60_000 }, async t => {
  const network = await NodeNetwork.create(t)
  const inside = new NodeProcess(network, 'kernel/ip-sets-entry')
  const ask = async (command: IpSetsCommand): Promise<unknown> =>
    JSON.parse(await inside.sendCommand(command)) as unknown
  const read = async (): Promise<Map<string, ObservedSet>> => {
    const found = (await ask({ do: 'read' })) as (readonly [string, string, readonly string[]])[]
    return new Map(found.map(([name, header, entries]) => [name, { header, entries: new Set(entries) }]))
  }
  const entriesOf = (found: ReadonlyMap<string, ObservedSet>): Record<string, string[]> =>
    Object.fromEntries([...found].map(([name, { entries }]) => [name, [...entries].sort()]))
  const wanted = [
    setOf('KUBE-A', 'hash:ip,port', ['10.96.0.10,tcp:80', '10.96.0.10,sctp:80', '10.96.0.11,udp:53']),
    setOf('KUBE-B', 'hash:ip,port,net', ['10.0.0.1,tcp:80,198.51.100.0/24', '10.0.0.1,tcp:80,192.0.2.1']),
    setOf('KUBE-C', 'bitmap:port', ['30080']),
    setOf('KUBE-D', 'hash:ip', []),
    setOf('KUBE-6-A', 'hash:ip,port,ip', ['fd00::1,tcp:80,fd00::1', '1:0:0:2::3,udp:9,1:0:0:2::3'], 'IPv6'),
  ]
  const wantedEntries = entriesOf(new Map(wanted.map(set => [set.name, { header: '', entries: set.entries }])))

  await t.test('made, filled, and then as they should be', async t => {
    t.equal(await ask({ do: 'restore', text: additionInput(wanted, await read()) }), 'done')
    const found = await read()
    t.strictSame(entriesOf(found), wantedEntries)
    t.equal(additionInput(wanted, found), '')
    t.equal(removalInput(wanted, found), '')
  })

  await t.test('what is missing is added, what is too much removed, and nothing else written', async t => {
    const others = [setOf('KUBE-A', 'hash:ip,port', ['10.96.0.11,udp:53', '10.96.0.12,tcp:80']), ...wanted.slice(1)]
    const text = additionInput(others, await read())
    t.equal(text, 'add KUBE-A 10.96.0.12,tcp:80\n')
    t.equal(await ask({ do: 'restore', text }), 'done')
    t.equal(await ask({ do: 'restore', text: removalInput(others, await read()) }), 'done')
    t.strictSame(entriesOf(await read())['KUBE-A'], ['10.96.0.11,udp:53', '10.96.0.12,tcp:80'])
    t.equal(await ask({ do: 'restore', text: additionInput(wanted, await read()) }), 'done')
    t.equal(await ask({ do: 'restore', text: removalInput(wanted, await read()) }), 'done')
    t.strictSame(entriesOf(await read()), wantedEntries, 'and back')
  })

  await t.test('one that kube-proxy made for fewer entries is replaced in one step, with what it had', async t => {
    const text = 'create KUBE-E hash:ip,port family inet hashsize 1024 maxelem 65536\nadd KUBE-E 10.96.0.9,tcp:80\n'
    t.equal(await ask({ do: 'restore', text }), 'done')
    await network.node.run('iptables', ['-A', 'INPUT', '-m', 'set', '--match-set', 'KUBE-E', 'dst,dst', '-j', 'ACCEPT'])
    const set = [setOf('KUBE-E', 'hash:ip,port', ['10.96.0.10,tcp:80'])]
    const replacing = additionInput(set, await read())
    t.match(replacing, /swap KUBE-E KUBE-SWAP/)
    t.equal(await ask({ do: 'restore', text: replacing }), 'done')
    const found = await read()
    t.strictSame(entriesOf(found)['KUBE-E'], ['10.96.0.10,tcp:80', '10.96.0.9,tcp:80'])
    t.notOk(found.has('KUBE-SWAP'))
    t.equal(additionInput(set, found), '')
    t.equal(removalInput(set, found), 'del KUBE-E 10.96.0.9,tcp:80\n')
  })

  await t.test('a line that is refused is quoted', async t => {
    const said = await ask({ do: 'restore', text: 'add KUBE-A 10.0.0.1,tcp:1\nadd KUBE-A nonsense\n' })
    t.match(said, /failed, at line 2: "add KUBE-A nonsense"/)
  })

  await t.test('whether rules may ask sets is tried without a trace', async t => {
    const before = await read()
    for (const family of ['IPv4', 'IPv6'] as const)
      for (const flavour of ['nft', 'legacy'] as const) {
        t.equal(await ask({ do: 'probe', family, flavour }), 'done', `${family}, ${flavour}`)
        const save = `${family === 'IPv4' ? 'iptables' : 'ip6tables'}-${flavour}-save`
        t.notMatch((await network.node.run(save, [])).stdout, /PROBE/)
      }
    t.same(await read(), before)
  })

  await t.test('rules that ask the sets are spelled as the kernel prints them', async t => {
    for (const family of ['IPv4', 'IPv6'] as const) {
      const place = {
        localTraffic: { localMatches: [], nodePortAddresses: undefined },
        nodeAddresses: [],
        foreignServers: new Set(''),
      }
      const settings = { scheduler: 'rr', masqueradeAll: false, masqueradeMark: 1, randomFully: false }
      const { sets } = new IpvsPlanner(family, settings).plan({ snapshot: EMPTY_SNAPSHOT, frontends: [] }, place)
      t.equal(await ask({ do: 'restore', text: additionInput(sets.values(), await read()) }), 'done')
      for (const flavour of ['nft', 'legacy'] as const)
        t.strictSame(await ask({ do: 'rules', family, flavour }), [true, ''], `${family}, ${flavour}`)
    }
  })
})

void t.test('What ipset says against it is told by kind', t => {
  const code = (said: string): string => ipSetFailure(['save'], said, '').code
  t.equal(code('ipset v7.17: Kernel error received: Operation not permitted'), 'IPVS_FORBIDDEN')
  t.equal(code('ipset v7.17: Cannot open session to kernel.'), 'IPVS_ABSENT')
  t.equal(
    code('ipset v7.17: Error in line 1: Set cannot be created: set with the same name already exists'),
    'IPSET_FAILED',
  )
  t.end()
})
