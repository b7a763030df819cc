import t from 'tap'
import { LocalAddresses } from '../../lib/model/local-addresses.js'
import { readConfig } from '../../lib/config/read-config.js'
import { discardEvents } from '../../lib/model/event-sink.js'
import { ProxyFailure } from '../../lib/model/failure.js'
import { parseCidr } from '../../lib/model/cidr.js'
import { type ServicePort } from '../../lib/model/service-port.js'
import { type ServiceSnapshot } from '../../lib/model/snapshot.js'
import { type Mode } from '../../lib/modes/mode.js'
import { type NodeView } from '../../lib/modes/node-view.js'
import { type Proxier } from '../../lib/modes/proxier.js'
import { probeMode } from '../../lib/modes/probe-mode.js'
import { MODES, chainOwners } from '../../lib/modes/registry.js'
import { removeStaleChains } from '../../lib/modes/remove-stale-chains.js'
import { FORWARD } from '../../lib/netfilter/chain-names.js'
import { parseIptablesSave } from '../../lib/netfilter/iptables-save.js'
import { plannedTables } from '../../lib/netfilter/rule-tables.js'
import { SHARED_CHAINS, owns } from '../../lib/netfilter/stale-chains.js'
import { usableEndpoints } from '../../lib/snapshot/usable-endpoints.js'
import { type FlowEntry } from '../../lib/system/conntrack.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { MemoryDataPlane } from '../support/dataplane/memory-data-plane.js'
import { CONNTRACK_FAILURES } from '../support/kernel/conntrack-failures.js'
import { MEMORY_NODE_IP, MemoryKernel } from '../support/kernel/memory-kernel.js'
import { DAMAGED_TABLE, RULE_DAMAGES, damageInput, rulesOfMode } from '../support/kernel/rule-damages.js'
import { RecordingLog } from '../support/log/recording-log.js'
import { makeEndpoint } from '../support/model/make-endpoint.js'
import { makeServicePort } from '../support/model/make-service-port.js'
import { memoryMode } from './memory/mode.js'

/** The modes of the registry, and one that exists only in a folder of the tests. */
const ALL_MODES: readonly Mode[] = [...MODES, memoryMode]
const { config } = readConfig({ 'proxy-port-range': '40000-41000' }, 'this-node', ALL_MODES)

const LOCAL = makeEndpoint('10.244.0.5', { isLocal: true })
const REMOTE = makeEndpoint('10.244.1.5')

/** One Service of each kind that modes treat differently. */
const SERVICE_PORTS = [
  makeServicePort(),
  makeServicePort({ name: 'dns', clusterIP: '10.96.0.11', port: 53, protocol: 'UDP' }),
  makeServicePort({ name: 'node-port', clusterIP: '10.96.0.12', nodePort: 30_080, affinitySeconds: 60 }),
  makeServicePort({
    name: 'external',
    clusterIP: '10.96.0.13',
    externalIPs: ['203.0.113.7'],
    externalPolicyLocal: true,
  }),
  makeServicePort({
    name: 'balanced',
    clusterIP: '10.96.0.14',
    loadBalancerIPs: ['203.0.113.8'],
    sourceRanges: [parseCidr('198.51.100.0/24')!],
  }),
]

function snapshotOf(servicePorts: readonly ServicePort[], endpoints = [LOCAL, REMOTE]): ServiceSnapshot {
  const node = { name: 'this-node', zone: '' }
  const served = servicePorts.map(servicePort => ({
    servicePort,
    endpoints,
    usable: usableEndpoints(servicePort, endpoints, node),
  }))
  return { generation: 1, ports: new Map(served.map(port => [port.servicePort.key, port])) }
}

const SNAPSHOT = snapshotOf(SERVICE_PORTS)

const LOCAL_ADDRESSES = new LocalAddresses([MEMORY_NODE_IP])

const NODE: NodeView = {
  getAddress: family => (family === 'IPv4' ? MEMORY_NODE_IP : undefined),
  getAddresses: family => (family === 'IPv4' ? [MEMORY_NODE_IP] : []),
  getLocalAddresses: () => LOCAL_ADDRESSES,
  getPodAddresses: () => [],
  getLocalTraffic: () => ({ localMatches: [], nodePortAddresses: undefined }),
  servesNodePortsOnLoopback: () => false,
}

function createProxier(mode: Mode, kernel: MemoryKernel, dataPlane = new MemoryDataPlane()): Promise<Proxier> {
  return mode.createProxier({
    config,
    kernel,
    node: NODE,
    chainOwners: chainOwners(mode.name, ALL_MODES),
    dataPlane: mode.carriedBy === 'sockets' ? dataPlane : undefined,
    events: discardEvents,
    log: new RecordingLog(),
    clock: new ManualClock(),
    random: () => 0,
  })
}

/** Updates and programs until nothing is pending. */
async function settle(proxier: Proxier, snapshot: ServiceSnapshot): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await proxier.update(snapshot)
    for (const rules of proxier.rules) if (rules.pending || round === 0) await rules.program(false)
  }
}

async function serve(mode: Mode, kernel: MemoryKernel, snapshot = SNAPSHOT): Promise<Proxier> {
  const proxier = await createProxier(mode, kernel)
  await proxier.start()
  await settle(proxier, snapshot)
  return proxier
}

/** A check of the rules of both families, as at each check period. */
async function check(proxier: Proxier): Promise<void> {
  for (const rules of proxier.rules) await rules.program(true)
}

/** A flow that began before there were rules for its destination: the replies come from there. */
function earlyFlow(protocol: 'TCP' | 'UDP', address: string, port: number): FlowEntry {
  const destination = { address, port }
  return {
    family: 'IPv4',
    protocol,
    source: { address: '10.244.0.9', port: 5000 },
    destination,
    replySource: destination,
  }
}

/** The chains of Kubernetes programs in the kernel, as `table chain`. */
function chainsOf(kernel: MemoryKernel): string[] {
  return kernel.iptables.flatMap(({ tables }) =>
    ['nat', 'filter', 'mangle'].flatMap(table =>
      tables
        .chainNames(table)
        .filter(name => name.startsWith('KUBE-'))
        .map(name => `${table} ${name}`),
    ),
  )
}

function asText(value: unknown): string {
  return JSON.stringify(value)
}

/** Objects as texts with their fields in order. */
function sortedTexts(objects: readonly object[]): string[] {
  return objects.map(object => JSON.stringify(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)))).sort()
}

t.test('the names of modes are unique words that can be in a list of a flag', t => {
  const names = ALL_MODES.map(({ name }) => name)
  t.equal(new Set(names).size, names.length)
  for (const name of names) t.match(name, /^[a-z]+$/)
  t.end()
})

t.test('the default of --proxy-mode is the first mode of the registry', t => {
  t.same(readConfig({}, 'this-node', MODES).config.modes, [MODES[0]!.name])
  t.end()
})

for (const mode of ALL_MODES) {
  t.test(`${mode.name} mode fulfils the contract`, async t => {
    await t.test('its minimum sync period and its check period are not longer than its sync period', t => {
      const { syncPeriod, minSyncPeriod, checkPeriod = syncPeriod } = mode.syncPeriods(config)
      t.ok(syncPeriod > 0 && minSyncPeriod >= 0 && minSyncPeriod <= syncPeriod)
      t.ok(checkPeriod > 0 && checkPeriod <= syncPeriod)
      t.end()
    })

    await t.test(
      'without the Node, it exits after five minutes if the kernel serves, and serves after 5 s otherwise',
      t => {
        const [exit, serve] = [
          { timeoutMs: 300_000, then: 'exit' },
          { timeoutMs: 5000, then: 'serve' },
        ]
        t.same(mode.nodeWait, mode.carriedBy === 'kernel' ? exit : serve)
        t.end()
      },
    )

    await t.test('its probe accepts a complete kernel and leaves nothing behind', async t => {
      const kernel = new MemoryKernel()
      const before = kernel.dump()
      t.equal(await probeMode(mode, config, kernel), undefined)
      t.equal(kernel.dump(), before)
    })

    await t.test('its probe returns the reason if the kernel refuses rules', async t => {
      const kernel = new MemoryKernel()
      for (const tables of kernel.iptables) tables.restore = () => Promise.reject(new Error('no such match'))
      t.match(await probeMode(mode, config, kernel), /no such match/)
    })

    await t.test('its probe does not take a lock that another program holds for a lack of the kernel', async t => {
      const kernel = new MemoryKernel()
      for (const tables of kernel.iptables) {
        const restore = tables.restore.bind(tables)
        let isLocked = true
        tables.restore = text => {
          if (!isLocked) return restore(text)
          isLocked = false
          return Promise.reject(new ProxyFailure('IPTABLES_LOCKED', 'no lock'))
        }
      }
      t.equal(await probeMode(mode, config, kernel), undefined)
    })

    await t.test('its proxier has rules for each IP family, and its start writes none', async t => {
      const kernel = new MemoryKernel()
      const rules = chainsOf(kernel)
      const proxier = await createProxier(mode, kernel)
      t.same(
        proxier.rules.map(({ family }) => family),
        ['IPv4', 'IPv6'],
      )
      await proxier.start()
      t.same(chainsOf(kernel), rules)
      t.ok(
        proxier.rules.every(({ pending }) => pending),
        'the first write is pending',
      )
      await proxier.stop?.()
    })

    await t.test('after a write nothing is pending, and a verification changes nothing', async t => {
      const kernel = new MemoryKernel()
      const proxier = await serve(mode, kernel)
      t.notOk(proxier.rules.some(({ pending }) => pending))
      const dump = kernel.dump()
      for (const rules of proxier.rules) t.equal((await rules.program(true)).changed, false, rules.family)
      t.equal(kernel.dump(), dump)
      await proxier.stop?.()
    })

    await t.test('a write says once when it has taken what it contains, before it writes', async t => {
      const kernel = new MemoryKernel()
      const proxier = await createProxier(mode, kernel)
      await proxier.start()
      await proxier.update(SNAPSHOT)
      for (const rules of proxier.rules) {
        const chains = chainsOf(kernel)
        const seen: unknown[] = []
        await rules.program(false, () => seen.push(chainsOf(kernel)))
        t.strictSame(seen, [chains], rules.family)
        t.strictNotSame(chainsOf(kernel), chains, 'then it writes')
      }
      await proxier.stop?.()
    })

    await t.test('its chains depend on the last snapshot only, not on earlier ones', async t => {
      const kernel = new MemoryKernel()
      const proxier = await serve(mode, kernel, snapshotOf(SERVICE_PORTS.slice(2), [REMOTE]))
      await settle(proxier, snapshotOf([]))
      await settle(proxier, SNAPSHOT)
      const fresh = new MemoryKernel()
      await serve(mode, fresh)
      t.same(chainsOf(kernel).sort(), chainsOf(fresh).sort())
      await proxier.stop?.()
    })

    const listens = { skip: mode.carriedBy !== 'sockets' && 'it has no listeners' }
    await t.test('a listener that only old rules use has the endpoints of now', listens, async t => {
      const dataPlane = new MemoryDataPlane()
      const proxier = await createProxier(mode, new MemoryKernel(), dataPlane)
      await proxier.start()
      const service = { name: 'node-port', clusterIP: '10.96.0.12', nodePort: 30_080 }
      const local = makeServicePort({ ...service, externalPolicyLocal: true })
      const endpointsOf = () => {
        const serving = [...dataPlane.plan.values()].filter(({ holdsNodePort }) => !holdsNodePort)
        return new Set(serving.map(({ endpoints }) => endpoints.map(({ ip }) => ip).join()))
      }
      await settle(proxier, snapshotOf([local], []))
      t.strictSame(endpointsOf(), new Set(['']))
      await settle(proxier, snapshotOf([local], [LOCAL]))
      await proxier.update(snapshotOf([makeServicePort(service)], [LOCAL]))
      t.strictSame(endpointsOf(), new Set([LOCAL.ip]), 'before the rules of the new policy are written')
      await proxier.stop?.()
    })

    await t.test('its forecast is what it makes', { skip: mode.forecast === undefined && 'it has none' }, async t => {
      const kernel = new MemoryKernel()
      const dataPlane = new MemoryDataPlane()
      const proxier = await createProxier(mode, kernel, dataPlane)
      await proxier.start()
      await settle(proxier, SNAPSHOT)
      const families = ['IPv4', 'IPv6'] as const
      const forecast = mode.forecast!({ config, snapshot: SNAPSHOT, node: NODE, families })
      for (const { family, tables } of kernel.iptables) {
        const made = [...parseIptablesSave(tables.save())].flatMap(([table, chains]) =>
          [...chains].filter(([, rules]) => rules.length > 0).map(([chain, rules]) => [table, chain, rules]),
        )
        const planned = [...plannedTables(forecast.rules.get(family)!).tables].flatMap(([table, chains]) =>
          [...chains].filter(([, rules]) => rules.length > 0).map(([chain, rules]) => [table, chain, rules]),
        )
        t.strictSame(planned.map(asText).sort(), made.map(asText).sort(), `rules of ${family}`)
      }
      t.same(sortedTexts(forecast.listeners), sortedTexts([...dataPlane.plan.values()]), 'listeners')
      const servers = (await kernel.ipvs.list()).map(({ realServers, ...server }) => ({
        ...server,
        realServers: realServers.map(({ address, port, weight }) => ({ address, port, weight })).reverse(),
      }))
      t.same(sortedTexts(forecast.virtualServers), sortedTexts(servers), 'virtual servers')
      t.same(
        [...forecast.serviceAddresses].sort(),
        [...kernel.dummyInterface.addresses].sort(),
        'addresses of Services',
      )
      for (const [name, { type, entries }] of forecast.sets) {
        const set = kernel.ipSets.get(name)
        t.same([type, [...entries].sort()], [set?.type, [...(set?.entries ?? [])].sort()], name)
      }
      await proxier.stop?.()
    })

    await t.test('it repairs its rules after another program has removed them', async t => {
      const kernel = new MemoryKernel()
      const proxier = await serve(mode, kernel)
      const chains = chainsOf(kernel).sort()
      for (const tables of kernel.iptables) await removeStaleChains(tables, chainOwners(undefined, ALL_MODES))
      t.same(chainsOf(kernel), [])
      for (const rules of proxier.rules) t.equal((await rules.program(true)).changed, true, rules.family)
      t.same(chainsOf(kernel).sort(), chains)
      await proxier.stop?.()
    })

    await t.test('it repairs every kind of damage to its rules', async t => {
      const kernel = new MemoryKernel()
      const proxier = await serve(mode, kernel)
      const { tables } = kernel.iptables.find(({ family }) => family === 'IPv4')!
      const rules = proxier.rules.find(({ family }) => family === 'IPv4')!
      const readTable = () => parseIptablesSave(tables.save()).get(DAMAGED_TABLE)!
      const intact = rulesOfMode(readTable(), mode.chains)
      for (const damage of RULE_DAMAGES) {
        tables.restore(damageInput(damage, readTable(), mode.chains))
        t.notSame(rulesOfMode(readTable(), mode.chains), intact, damage.name)
        t.equal((await rules.program(true)).changed, true, damage.name)
        t.strictSame(rulesOfMode(readTable(), mode.chains), intact, damage.name)
        t.equal((await rules.program(true)).changed, false, damage.name)
      }
      await proxier.stop?.()
    })

    const servesFlows = MODES.includes(mode) ? false : 'it has no part that deletes flows'
    await t.test('after a repair it deletes the flows that began without its rules', { skip: servesFlows }, async t => {
      const kernel = new MemoryKernel()
      const proxier = await serve(mode, kernel)
      const foreign = earlyFlow('TCP', '10.99.0.1', 80)
      const entries = [earlyFlow('TCP', '10.96.0.10', 80), earlyFlow('UDP', '10.96.0.11', 53), foreign]
      await check(proxier)
      kernel.conntrack.entries = entries
      await check(proxier)
      t.strictSame(kernel.conntrack.entries, entries, 'a check without a repair does not look at them')
      for (const tables of kernel.iptables) await removeStaleChains(tables, chainOwners(undefined, ALL_MODES))
      await check(proxier)
      t.strictSame(kernel.conntrack.entries, [foreign])
      await proxier.stop?.()
    })

    for (const [failure, fail] of CONNTRACK_FAILURES)
      await t.test(
        `flows that it could not delete when their Service came (${failure}) are deleted at the next check`,
        { skip: servesFlows },
        async t => {
          const kernel = new MemoryKernel()
          const proxier = await serve(mode, kernel, snapshotOf([]))
          const foreign = earlyFlow('UDP', '10.99.0.1', 53)
          const entries = [earlyFlow('TCP', '10.96.0.10', 80), earlyFlow('UDP', '10.96.0.11', 53), foreign]
          kernel.conntrack.entries = entries
          const mend = fail(kernel.conntrack)
          await settle(proxier, SNAPSHOT)
          await check(proxier)
          t.strictSame(kernel.conntrack.entries, entries, 'they are there while it fails')
          mend()
          await check(proxier)
          t.strictSame(kernel.conntrack.entries, [foreign])
          await proxier.stop?.()
        },
      )

    await t.test('it puts its jumps above rules of other programs that take their packets', async t => {
      const kernel = new MemoryKernel()
      const proxier = await serve(mode, kernel)
      const chains: [table: string, chain: string][] = [
        ['nat', 'PREROUTING'],
        ['nat', 'OUTPUT'],
      ]
      if (mode.chains.has('filter')) chains.push(['filter', 'INPUT'])
      for (const { tables, family } of kernel.iptables) {
        for (const [table, chain] of chains) tables.restore(`*${table}\n-I ${chain} 1 -j ACCEPT\nCOMMIT\n`)
        const rules = proxier.rules.find(each => each.family === family)!
        t.equal((await rules.program(true)).changed, true, family)
        for (const [table, chain] of chains) {
          const target = tables.chain(table, chain)![0]!.at(-1)!
          t.ok(owns(mode.chains, table, target), `${family} ${table} ${chain}: ${target}`)
        }
        t.equal((await rules.program(true)).changed, false, family)
      }
      await proxier.stop?.()
    })

    await t.test('it owns every chain that it makes', async t => {
      const kernel = new MemoryKernel()
      await serve(mode, kernel)
      const foreign = chainsOf(kernel).filter(chain => {
        const [table = '', name = ''] = chain.split(' ')
        return !owns(mode.chains, table, name)
      })
      t.same(foreign, [])
      t.ok(chainsOf(kernel).length > 0)
    })

    await t.test('a cleanup removes everything that it made', async t => {
      const kernel = new MemoryKernel()
      const before = kernel.dump()
      const proxier = await serve(mode, kernel)
      t.not(kernel.dump(), before)
      await proxier.stop?.()
      for (const tables of kernel.iptables) await removeStaleChains(tables, chainOwners(undefined, ALL_MODES))
      for (const each of ALL_MODES) await each.cleanup?.(kernel)
      t.equal(kernel.dump(), before)
    })

    await t.test('cleanup and drain change nothing on a node where it never ran', async t => {
      const kernel = new MemoryKernel()
      const before = kernel.dump()
      if (mode.cleanup !== undefined) t.equal(await mode.cleanup(kernel), false)
      const drain = mode.drain?.(config, kernel, new RecordingLog())
      if (drain !== undefined) {
        t.equal(await drain.step(), 'nothing there')
        t.ok(drain.periodMs > 0)
      }
      t.equal(kernel.dump(), before)
    })

    await t.test('its walkthrough has every text of the demo', t => {
      for (const [name, value] of Object.entries(mode.walkthrough))
        if (typeof value === 'string') t.match(value, /\S/, name)
      t.ok(mode.walkthrough.suggestions.length > 0)
      t.ok(mode.walkthrough.syncSigns.verbosity >= 3)
      t.end()
    })
  })

  for (const other of ALL_MODES.filter(candidate => candidate !== mode)) {
    t.test(`${mode.name} mode takes over from ${other.name} mode and removes its leftovers`, async t => {
      const kernel = new MemoryKernel()
      const before = await serve(other, kernel)
      await before.stop?.()
      const proxier = await serve(mode, kernel)
      const drain = other.drain?.(config, kernel, new RecordingLog())
      t.not(await drain?.step(), 'nothing there')
      const leftovers = chainsOf(kernel).filter(chain => {
        const [table = '', name = ''] = chain.split(' ')
        return !owns(mode.chains, table, name) && name !== FORWARD && !SHARED_CHAINS.has(name)
      })
      t.same(leftovers, [], 'no chain of the other mode')
      const fresh = new MemoryKernel()
      await serve(mode, fresh)
      t.same(
        chainsOf(fresh).filter(chain => !chainsOf(kernel).includes(chain)),
        [],
        'all of its own chains are there',
      )
      t.equal(kernel.ipvs.listOutput, fresh.ipvs.listOutput)
      t.equal(kernel.hasIpvsInterface, fresh.hasIpvsInterface)
      await proxier.stop?.()
    })
  }
}
