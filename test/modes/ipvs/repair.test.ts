import t from 'tap'
import { readConfig } from '../../../lib/config/read-config.js'
import { discardEvents } from '../../../lib/model/event-sink.js'
import { LocalAddresses } from '../../../lib/model/local-addresses.js'
import { ipvsMode } from '../../../lib/modes/ipvs/mode.js'
import { type KernelRules } from '../../../lib/modes/proxier.js'
import { MODES, chainOwners } from '../../../lib/modes/registry.js'
import { removeStaleChains } from '../../../lib/modes/remove-stale-chains.js'
import { usableEndpoints } from '../../../lib/snapshot/usable-endpoints.js'
import { ManualClock } from '../../support/clock/manual-clock.js'
import { MEMORY_NODE_IP, MemoryKernel } from '../../support/kernel/memory-kernel.js'
import { RecordingLog } from '../../support/log/recording-log.js'
import { makeEndpoint } from '../../support/model/make-endpoint.js'
import { makeServicePort } from '../../support/model/make-service-port.js'

const LOCAL_ADDRESSES = new LocalAddresses([MEMORY_NODE_IP])

interface ServingNode {
  readonly kernel: MemoryKernel
  readonly clock: ManualClock
  /** Those of IPv4. */
  readonly rules: KernelRules
  /** Removes the Service. */
  readonly removeService: () => Promise<unknown>
}

/** A node on which ipvs mode serves one Service. */
async function serve(flags: Readonly<Record<string, string>> = {}): Promise<ServingNode> {
  const { config } = readConfig({ 'proxy-mode': 'ipvs', ...flags }, 'this-node', MODES)
  const [kernel, clock] = [new MemoryKernel(), new ManualClock()]
  const proxier = await ipvsMode.createProxier({
    config,
    kernel,
    node: {
      getAddress: () => MEMORY_NODE_IP,
      getAddresses: () => [MEMORY_NODE_IP],
      getLocalAddresses: () => LOCAL_ADDRESSES,
      getPodAddresses: () => [],
      getLocalTraffic: () => ({ localMatches: [], nodePortAddresses: undefined }),
      servesNodePortsOnLoopback: () => false,
    },
    chainOwners: chainOwners('ipvs'),
    dataPlane: undefined,
    events: discardEvents,
    log: new RecordingLog(),
    clock,
    random: () => 0,
  })
  await proxier.start()
  const servicePort = makeServicePort({ clusterIP: '10.96.0.10' })
  const endpoints = [makeEndpoint('10.244.0.5')]
  const usable = usableEndpoints(servicePort, endpoints, { name: 'this-node', zone: '' })
  await proxier.update({ generation: 1, ports: new Map([[servicePort.key, { servicePort, endpoints, usable }]]) })
  for (const rules of proxier.rules) await rules.program(false)
  return {
    kernel,
    clock,
    rules: proxier.rules.find(({ family }) => family === 'IPv4')!,
    removeService: () => proxier.update({ generation: 2, ports: new Map() }),
  }
}

async function deleteServers({ ipvs }: MemoryKernel): Promise<void> {
  await ipvs.change((await ipvs.list()).map(server => ({ kind: 'delete', server })))
}

// The timer of a check may end a moment early.
for (const [name, flags, periodMs] of [
  ['each sync period', { 'ipvs-sync-period': '3s' }, 2999.3],
  ['every 30 s by default', {}, 29_999.3],
] as const)
  t.test(`virtual servers that another program has deleted are back at the regular check, ${name}`, async t => {
    const { kernel, clock, rules } = await serve(flags)
    for (const repair of ['first', 'second']) {
      await deleteServers(kernel)
      await clock.advance(periodMs / 2)
      t.equal((await rules.program(true)).changed, false, 'an earlier check does not read them')
      t.same(await kernel.ipvs.list(), [])
      await clock.advance(periodMs / 2)
      t.equal((await rules.program(true)).changed, true, repair)
      t.match(await kernel.ipvs.list(), [{ address: '10.96.0.10', realServers: [{ address: '10.244.0.5' }] }])
    }
  })

t.test('chains and sets that another program has removed are back at the next two checks, without a pause', async t => {
  const { kernel, rules } = await serve()
  const before = kernel.dump()
  for (const tables of kernel.iptables) await removeStaleChains(tables, chainOwners(undefined))
  const names = kernel.ipSets.saveOutput.matchAll(/^create (KUBE-(?!6-)\S+)/gm)
  for (const [, name] of names) await kernel.ipSets.restore(`destroy ${name}\n`)
  await t.rejects(rules.program(true), { message: /no set: KUBE-/ }, 'the kernel refuses rules without their sets')
  t.equal((await rules.program(true)).changed, true)
  const ofIPv4 = (dump: string) =>
    (JSON.parse(dump) as { readonly rules: readonly string[]; readonly sets: readonly string[] }).sets
  t.same(ofIPv4(kernel.dump()), ofIPv4(before))
  t.match(kernel.iptables[0]!.tables.save(), /-A PREROUTING .*-j KUBE-SERVICES/)
})

t.test(
  'sets that are filled refuse no client meanwhile: an address comes after its servers, and goes before them',
  async t => {
    const { kernel, clock, rules, removeService } = await serve()
    const lines: string[] = []
    const restore = kernel.ipSets.restore.bind(kernel.ipSets)
    kernel.ipSets.restore = text => {
      lines.push(...text.split('\n'))
      return restore(text)
    }
    const indexOf = (action: string, set: string): number =>
      lines.findIndex(line => line.startsWith(`${action} ${set} `))
    for (const set of ['KUBE-IPVS-SERVERS', 'KUBE-IPVS-IPS', 'KUBE-CLUSTER-IP']) await restore(`flush ${set}\n`)
    await clock.advance(30_000)
    t.equal((await rules.program(true)).changed, true)
    t.ok(indexOf('add', 'KUBE-IPVS-SERVERS') >= 0)
    t.ok(indexOf('add', 'KUBE-IPVS-SERVERS') < indexOf('add', 'KUBE-IPVS-IPS'))
    await removeService()
    await rules.program(false)
    t.ok(indexOf('del', 'KUBE-IPVS-IPS') >= 0)
    t.ok(indexOf('del', 'KUBE-IPVS-IPS') < indexOf('del', 'KUBE-IPVS-SERVERS'))
  },
)
