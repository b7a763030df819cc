import { existsSync, readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { ManifestFolder, makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { ProgramCallCounter } from '../support/processes/program-call-counter.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const WEB = { clusterIP: '10.96.0.10', port: 80 }
const REPAIRED = /Another program had changed the rules/
/** A check without a difference, of a proxy with -v=4. */
const CHECKED = /Synced rules" family="IPv4" changed=false/

/** The only program that a proxy in iptables mode leaves running. */
function monitorOf({ child: { pid } }: ProxyProcess): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0])
}

/** A node with a proxy in iptables mode. */
async function startProxy(t: Test, syncPeriod: string, backEnd: 'nft' | 'legacy') {
  const network = await NodeNetwork.create(t)
  const folder = new ManifestFolder(t)
  folder.write(makeServiceManifest('web', WEB), makeSliceManifest('web', ['10.244.0.2'], 8080))
  if (backEnd === 'legacy') await network.node.run('iptables-legacy', ['-t', 'mangle', '-N', 'KUBE-IPTABLES-HINT'])
  const calls = new ProgramCallCounter(t)
  const args = ['--manifests', folder.path, `--iptables-sync-period=${syncPeriod}`, '-v=4']
  const proxy = new ProxyProcess(network, args, calls.env, network.node, 'iptables')
  t.match(await proxy.waitForLine(/Using iptables/), `backEnd="${backEnd}"`)
  await proxy.waitForLine(/Synced rules" family="IPv4" changed=true/)
  const deleteJumps = async (): Promise<void> => {
    const input = '*nat\n-D PREROUTING 1\n-D OUTPUT 1\nCOMMIT\n'
    await network.node.run(`iptables-${backEnd}-restore`, ['--noflush'], { input })
  }
  const countJumps = async (): Promise<number> => {
    const { stdout } = await network.node.run(`iptables-${backEnd}-save`, ['-t', 'nat'])
    return stdout.match(/^-A (PREROUTING|OUTPUT) .*-j KUBE-SERVICES$/gm)?.length ?? 0
  }
  return { proxy, calls, deleteJumps, countJumps }
}

t.test('deleted jumps', { skip: namespacesUnavailable }, async t => {
  await t.test('with nftables they are noticed at once', async t => {
    const { proxy, deleteJumps, countJumps } = await startProxy(t, '1h', 'nft')
    await proxy.waitForLine(/Watching for changes of rules/)
    await deleteJumps()
    await proxy.waitForLine(REPAIRED)
    t.equal(await countJumps(), 2)
    const monitor = monitorOf(proxy)
    proxy.child.kill('SIGKILL')
    await waitUntil(() => !existsSync(`/proc/${monitor}`), 'the monitor ends with a proxy that is killed')
  })

  await t.test('without changes a check runs no program; without its monitor the proxy reads the rules', async t => {
    const { proxy, calls, deleteJumps, countJumps } = await startProxy(t, '1s', 'nft')
    await proxy.waitForLine(/Watching for changes of rules/)
    // The first checks may still read, until the proxy knows that its own writes are reported.
    const waitForChecks = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++) await proxy.waitForLine(CHECKED, proxy.lines.length)
    }
    await waitForChecks(4)
    const before = calls.count('save')
    await waitForChecks(3)
    t.equal(calls.count('save'), before)

    const monitor = monitorOf(proxy)
    t.equal(readFileSync(`/proc/${monitor}/comm`, 'utf8').trim(), 'xtables-monitor')
    let from = proxy.lines.length
    process.kill(monitor, 'SIGKILL')
    await proxy.waitForLine(/xtables-monitor has ended/, from)
    await deleteJumps()
    await proxy.waitForLine(REPAIRED, from)
    t.equal(await countJumps(), 2)
    await proxy.waitForLine(/Watching for changes of rules/, from)
    from = proxy.lines.length
    await deleteJumps()
    await proxy.waitForLine(REPAIRED, from)
    t.equal(await countJumps(), 2)
    t.equal(await proxy.stop(), 0)
  })

  await t.test('in the legacy back end they are put back at the next check', async t => {
    const { proxy, deleteJumps, countJumps } = await startProxy(t, '1s', 'legacy')
    await deleteJumps()
    await proxy.waitForLine(REPAIRED)
    t.equal(await countJumps(), 2)
    t.equal(await proxy.stop(), 0)
  })
})
