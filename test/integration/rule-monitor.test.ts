import t, { type Test } from 'tap'
import { type Mode } from '../../lib/modes/mode.js'
import { iptablesMode } from '../../lib/modes/iptables/mode.js'
import { userspaceMode } from '../../lib/modes/userspace/mode.js'
import { type ObservedTable, parseIptablesSave } from '../../lib/netfilter/iptables-save.js'
import { ManifestFolder, makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { DAMAGED_TABLE, RULE_DAMAGES, damageInput, rulesOfMode } from '../support/kernel/rule-damages.js'
import { NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { isRunning, monitorOf } from '../support/processes/children-of.js'
import { GatedMonitor } from '../support/processes/gated-monitor.js'
import { ProgramCallCounter } from '../support/processes/program-call-counter.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const WEB = { clusterIP: '10.96.0.10', port: 80 }
const WATCHING = /Watching for changes of rules/
const REPAIRED = /Another program had changed the rules/
/** A check without a difference, of a proxy with -v=4. */
const CHECKED = /Synced rules" family="IPv4" changed=false/
/** A program that changes rules of its own, which are no concern of the proxy. */
const FOREIGN_CHANGE = '*filter\n:OTHER-UNUSED - [0:0]\nCOMMIT\n'

interface Setup {
  readonly mode: Mode
  readonly syncPeriod: string
  readonly backEnd?: 'nft' | 'legacy'
  /** Whether the proxy can start its monitor from the beginning. */
  readonly canWatch?: boolean
}

/** A node with a proxy that has written its rules. */
async function startProxy(t: Test, { mode, syncPeriod, backEnd = 'nft', canWatch = true }: Setup) {
  const network = await NodeNetwork.create(t)
  const folder = new ManifestFolder(t)
  folder.write(makeServiceManifest('web', WEB), makeSliceManifest('web', ['10.244.0.2'], 8080))
  if (backEnd === 'legacy') await network.node.run('iptables-legacy', ['-t', 'mangle', '-N', 'KUBE-IPTABLES-HINT'])
  const calls = new ProgramCallCounter(t)
  const monitorGate = new GatedMonitor(t, calls.env)
  if (!canWatch) monitorGate.close()
  const args = ['--manifests', folder.path, `--iptables-sync-period=${syncPeriod}`, '-v=4']
  const proxy = new ProxyProcess(network, args, monitorGate.env, network.node, mode.name)
  t.match(await proxy.waitForLine(/Using iptables/), `backEnd="${backEnd}"`)
  await proxy.waitForLine(/Synced rules" family="IPv4" changed=true/)
  await proxy.waitForLine(/Synced rules" family="IPv6" changed=true/)
  /** Changes rules as another program. */
  const change = async (input: string): Promise<void> => {
    const { exitCode, stderr } = await network.node.run(`iptables-${backEnd}-restore`, ['--noflush'], { input })
    if (exitCode !== 0) throw new Error(`${stderr}${input}`)
  }
  const readTable = async (): Promise<ObservedTable> => {
    const { stdout } = await network.node.run(`iptables-${backEnd}-save`, ['-t', DAMAGED_TABLE])
    return parseIptablesSave(stdout).get(DAMAGED_TABLE)!
  }
  const deleteJumps = (): Promise<void> => change('*nat\n-D PREROUTING 1\n-D OUTPUT 1\nCOMMIT\n')
  /** Waits until the deleted jumps are back, in lines from this one on. */
  const expectRepair = async (from: number, table: ObservedTable): Promise<void> => {
    await proxy.waitForLine(REPAIRED, from)
    t.strictSame(rulesOfMode(await readTable(), mode.chains), rulesOfMode(table, mode.chains))
  }
  return { network, proxy, calls, monitorGate, change, readTable, deleteJumps, expectRepair }
}

const SETUPS: readonly (Setup & { readonly name: string })[] = [
  { mode: userspaceMode, name: 'at once with nftables', syncPeriod: '1h' },
  { mode: userspaceMode, name: 'within seconds without a monitor', syncPeriod: '1h', canWatch: false },
  {
    mode: userspaceMode,
    name: 'within a short sync period in the legacy back end',
    syncPeriod: '1s',
    backEnd: 'legacy',
  },
  { mode: iptablesMode, name: 'at once with nftables', syncPeriod: '1h' },
  { mode: iptablesMode, name: 'within the sync period without a monitor', syncPeriod: '1s', canWatch: false },
  { mode: iptablesMode, name: 'within the sync period in the legacy back end', syncPeriod: '1s', backEnd: 'legacy' },
]

for (const { name, ...setup } of SETUPS)
  t.test(
    `${setup.mode.name} mode repairs every kind of damage by other programs ${name}`,
    { skip: namespacesUnavailable },
    async t => {
      const { mode, canWatch = true, backEnd } = setup
      const { proxy, change, readTable, expectRepair } = await startProxy(t, setup)
      const isWatched = canWatch && backEnd !== 'legacy'
      if (isWatched) await proxy.waitForLine(WATCHING)
      const intact = await readTable()
      for (const damage of RULE_DAMAGES) {
        const from = proxy.lines.length
        await change(damageInput(damage, await readTable(), mode.chains))
        await expectRepair(from, intact)
      }
      t.equal(
        proxy.lines.some(line => WATCHING.test(line)),
        isWatched,
      )
      t.equal(await proxy.stop(), 0)
    },
  )

for (const mode of [userspaceMode, iptablesMode]) {
  t.test(`the monitor of ${mode.name} mode`, { skip: namespacesUnavailable }, async t => {
    await t.test('without changes a check runs no program', async t => {
      const { proxy, calls, change } = await startProxy(t, { mode, syncPeriod: '1s' })
      await proxy.waitForLine(WATCHING)
      // The first checks may still read, until the proxy knows that its own writes are reported.
      const waitForChecks = async (count: number): Promise<void> => {
        for (let n = 0; n < count; n++) await proxy.waitForLine(CHECKED, proxy.lines.length)
      }
      await waitForChecks(4)
      const before = calls.count('save')
      await change(FOREIGN_CHANGE)
      await waitForChecks(3)
      t.equal(calls.count('save'), before)
      t.equal(await proxy.stop(), 0)
    })

    await t.test('it reports changes of IPv6, and is not ended by rules with ports', async t => {
      const { proxy, network } = await startProxy(t, { mode, syncPeriod: '1h' })
      await proxy.waitForLine(WATCHING)
      const run = async (program: string, ...args: string[]): Promise<string> =>
        (await network.node.run(program, args)).stdout
      const readJumps = async () =>
        (await run('ip6tables-nft', '-t', 'nat', '-S', 'PREROUTING')).split('\n').slice(0, 2)
      const jumps = await readJumps()
      t.match(jumps[1], /-j KUBE-/)
      const monitor = monitorOf(proxy.child.pid!)
      for (const program of ['iptables-nft', 'ip6tables-nft'])
        await run(program, '-A', 'INPUT', '-p', 'tcp', '--dport', '22', '-j', 'ACCEPT')
      // The check when the monitor begins to work may find the first change.
      for (let round = 0; round < 2; round++) {
        const from = proxy.lines.length
        await run('ip6tables-nft', '-t', 'nat', '-D', 'PREROUTING', '1')
        await proxy.waitForLine(/Another program had changed the rules; repaired them" family="IPv6"/, from)
        t.strictSame(await readJumps(), jumps)
      }
      t.type(monitor, 'number')
      t.equal(monitorOf(proxy.child.pid!), monitor)
      t.equal(await proxy.stop(), 0)
    })

    await t.test('it ends with a proxy that is killed', async t => {
      const { proxy } = await startProxy(t, { mode, syncPeriod: '1h' })
      await proxy.waitForLine(WATCHING)
      const monitor = monitorOf(proxy.child.pid!)!
      proxy.child.kill('SIGKILL')
      await waitUntil(() => !isRunning(monitor), 'the monitor has ended')
    })

    await t.test('changes before it works are repaired as soon as it does', async t => {
      const setup = await startProxy(t, { mode, syncPeriod: '1h', canWatch: false })
      const { proxy, monitorGate, change, readTable, deleteJumps, expectRepair } = setup
      const intact = await readTable()
      const from = proxy.lines.length
      await deleteJumps()
      monitorGate.open()
      await waitUntil(() => monitorOf(proxy.child.pid!) !== undefined, 'the monitor runs')
      await change(FOREIGN_CHANGE)
      await expectRepair(from, intact)
      t.equal(await proxy.stop(), 0)
    })

    await t.test('changes that it has not reported at its end are repaired at once', async t => {
      const setup = await startProxy(t, { mode, syncPeriod: '1h' })
      const { proxy, monitorGate, readTable, deleteJumps, expectRepair } = setup
      await proxy.waitForLine(WATCHING)
      const intact = await readTable()
      monitorGate.close()
      const from = proxy.lines.length
      const monitor = monitorOf(proxy.child.pid!)!
      process.kill(monitor, 'SIGSTOP')
      await deleteJumps()
      process.kill(monitor, 'SIGKILL')
      await expectRepair(from, intact)
      t.equal(await proxy.stop(), 0)
    })

    await t.test('changes between its end and its restart are repaired after the restart', async t => {
      const setup = await startProxy(t, { mode, syncPeriod: '1h' })
      const { proxy, monitorGate, change, readTable, deleteJumps, expectRepair } = setup
      await proxy.waitForLine(WATCHING)
      const intact = await readTable()
      monitorGate.close()
      let from = proxy.lines.length
      process.kill(monitorOf(proxy.child.pid!)!, 'SIGKILL')
      await proxy.waitForLine(/xtables-monitor has ended/, from)
      await proxy.waitForLine(CHECKED, from)
      from = proxy.lines.length
      await deleteJumps()
      monitorGate.open()
      await waitUntil(() => monitorOf(proxy.child.pid!) !== undefined, 'the monitor runs again')
      await change(FOREIGN_CHANGE)
      await expectRepair(from, intact)
      from = proxy.lines.length
      await deleteJumps()
      await expectRepair(from, intact)
      t.equal(await proxy.stop(), 0)
    })
  })
}

t.test(
  'a chain of another program above ours is watched: once it accepts packets, our jump goes first',
  { skip: namespacesUnavailable },
  async t => {
    const mode = userspaceMode
    const { proxy, calls, change } = await startProxy(t, { mode, syncPeriod: '1h' })
    await proxy.waitForLine(WATCHING)
    let reads = calls.count('save')
    await change('*filter\n:OTHER-TOP - [0:0]\n:OTHER-DEEP - [0:0]\n-A OTHER-TOP -j OTHER-DEEP\nCOMMIT\n')
    await change('*filter\n-I INPUT 1 -j OTHER-TOP\nCOMMIT\n')
    await waitUntil(() => calls.count('save') > reads, 'the rules are read')
    // The second read follows the new list of watched chains.
    await proxy.waitForLine(CHECKED, proxy.lines.length)
    reads = calls.count('save')
    const from = proxy.lines.length
    await change('*filter\n-A OTHER-DEEP -i other0 -j ACCEPT\nCOMMIT\n')
    await proxy.waitForLine(REPAIRED, from)
    t.equal(await proxy.stop(), 0)
  },
)
