import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { ProgramLog } from '../../lib/demo/program-log.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'
import { isInVm } from '../support/nodes/virtual-machine.js'
import { PROXY_PROGRAM } from '../support/processes/proxy-process.js'

/** Everything takes longer in a virtual machine with an emulated processor. */
const TIMEOUT_MS = 600_000
const RUN_TIMEOUT_MS = 60_000 * TIMEOUT_FACTOR
const LEGACY = ['iptable_nat', 'iptable_filter', 'iptable_mangle', 'ip6table_nat', 'ip6table_filter', 'ip6table_mangle']
/** What the kernel runs to load a module that a system call needs. It does that whatever the process may do. */
const MODULE_LOADER = '/proc/sys/kernel/modprobe'
/** What the manifests give: a process with these cannot load a module by itself. */
const OF_MANIFESTS = ['net_admin', 'net_raw']
const CHAIN = 'KUBE-PORTALS-CONTAINER'

// A machine whose modules matter to others must keep them.
const skip =
  namespacesUnavailable || (isInVm ? false : 'unloads modules of the kernel, see absent-back-ends-in-vm.test.ts')

/** Unloads these modules and all that use them. */
async function unload(network: NodeNetwork, modules: readonly string[], root: string): Promise<void> {
  // The kernel frees a namespace some time after it was deleted; its tables use the modules until then.
  await waitUntil(async () => {
    await network.node.run('modprobe', ['-r', ...modules])
    return !new RegExp(`^${root} `, 'm').test(readFileSync('/proc/modules', 'utf8'))
  }, `${root} is not loaded`)
}

/** A node, with a command that runs there with few capabilities. */
async function createNode(t: Test) {
  const network = await NodeNetwork.create(t)
  const run = (capabilities: readonly string[], program: string, ...args: readonly string[]) => {
    const set = ['-all', ...capabilities.map(name => `+${name}`)].join(',')
    const words = [`--bounding-set=${set}`, `--inh-caps=${set}`, program, ...args]
    return network.node.run('setpriv', words, { timeoutMs: RUN_TIMEOUT_MS })
  }
  const cleanUp = (capabilities = OF_MANIFESTS) =>
    run(capabilities, process.execPath, PROXY_PROGRAM, '--cleanup', '-v=2')
  return { network, run, cleanUp }
}

t.test('A back end of iptables that the kernel does not have', { skip, timeout: TIMEOUT_MS }, async t => {
  await t.test('legacy is not loaded, and the process cannot load it', async t => {
    const { network, run, cleanUp } = await createNode(t)
    await unload(network, [...LEGACY, 'ip_tables', 'ip6_tables'], 'ip_tables')
    for (const family of ['iptables', 'ip6tables']) {
      const { stderr } = await run(OF_MANIFESTS, `${family}-legacy-save`, '-t', 'nat')
      t.match(stderr, /not permitted[^]*who\? \(do you need to insmod\?\)/, 'modprobe may not load it')
      await network.node.run(`${family}-nft`, ['-t', 'nat', '-N', CHAIN])
    }
    const { exitCode, stderr } = await cleanUp()
    t.equal(exitCode, 0, stderr)
    t.same(stderr.split('\n').filter(line => line.includes('not in this kernel')).length, 1, 'one line says so')
    t.match(stderr, /backEnds="IPv4 legacy \(not in this kernel\), IPv6 legacy \(not in this kernel\)"/)
    for (const family of ['iptables', 'ip6tables'])
      t.notMatch((await network.node.run(`${family}-nft-save`, [])).stdout, CHAIN)
    t.notMatch(readFileSync('/proc/modules', 'utf8'), /^ip_tables /m, 'nothing has loaded it meanwhile')
  })

  await t.test('nftables cannot be loaded', async t => {
    const { network, run, cleanUp } = await createNode(t)
    for (const module of LEGACY) await network.node.run('modprobe', [module])
    const before = readFileSync(MODULE_LOADER, 'utf8').trim()
    t.teardown(() => writeFileSync(MODULE_LOADER, before))
    writeFileSync(MODULE_LOADER, '/bin/false')
    await unload(network, ['nft_compat', 'nft_chain_nat', 'nf_tables'], 'nf_tables')
    for (const family of ['iptables', 'ip6tables']) {
      const { stderr } = await run(OF_MANIFESTS, `${family}-nft-save`, '-t', 'nat')
      t.match(stderr, /Could not fetch rule set generation id: Invalid argument/)
      await network.node.run(`${family}-legacy`, ['-t', 'nat', '-N', CHAIN])
    }
    const { exitCode, stderr } = await cleanUp(['net_admin'])
    t.equal(exitCode, 1, 'it must not read legacy')
    t.match(stderr, /CLEANUP_INCOMPLETE/)
    t.notMatch(stderr, /generation id/, 'what the kernel does not have is not to blame')
    const again = await cleanUp()
    t.equal(again.exitCode, 0, again.stderr)
    t.match(again.stderr, /backEnds="IPv4 nft \(not in this kernel\), IPv6 nft \(not in this kernel\)"/)
    for (const family of ['iptables', 'ip6tables'])
      t.notMatch((await network.node.run(`${family}-legacy-save`, [])).stdout, CHAIN)

    const flags = ['--proxy-mode=iptables', `--manifests=${t.testdir({})}`, '--on-exit=keep', '--status-socket=']
    const proxy = network.start(network.node, process.execPath, [PROXY_PROGRAM, ...flags])
    const log = new ProgramLog(proxy, proxy.stderr!, RUN_TIMEOUT_MS)
    t.match(await log.waitFor(/"Using iptables"/), /backEnd="legacy" families="IPv4 IPv6"/)
    t.notMatch(log.lines.join('\n'), /cannot read the rules of the other iptables back end/, 'the node cannot use it')
    proxy.kill('SIGTERM')
    await once(proxy, 'exit')
  })

  await t.test('neither of them is there', async t => {
    const { network, cleanUp } = await createNode(t)
    const before = readFileSync(MODULE_LOADER, 'utf8').trim()
    t.teardown(() => writeFileSync(MODULE_LOADER, before))
    writeFileSync(MODULE_LOADER, '/bin/false')
    await unload(network, ['nft_compat', 'nft_chain_nat', 'nf_tables'], 'nf_tables')
    await unload(network, [...LEGACY, 'ip_tables', 'ip6_tables'], 'ip_tables')
    const { exitCode, stderr } = await cleanUp()
    t.equal(exitCode, 0, stderr)
    t.notMatch(stderr, /"Cleaned up" family/)
  })
})
