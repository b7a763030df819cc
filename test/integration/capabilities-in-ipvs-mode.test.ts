import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import t from 'tap'
import { ipvsSettings } from '../../lib/system/ipvs-settings.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { readInitContainers, runInitContainer } from '../support/deploy/init-container.js'
import { readNodeMounts, withMounts } from '../support/deploy/node-mounts.js'
import { ipvsUnavailable } from '../support/nodes/ipvs-unavailable.js'
import { NodeNetwork } from '../support/nodes/node-network.js'
import { LimitedNode } from '../support/processes/few-capabilities.js'

/** Everything takes longer in a virtual machine with an emulated processor. */
const TIMEOUT_MS = 600_000
const NEEDS_NET_RAW = /Can't open socket to ipset\. \(rules that match sets need the capability NET_RAW\)/
const capabilities = ['net_admin', 'net_raw']

// The other modes are in capabilities.test.ts. iptables opens a raw socket to write a rule that matches a set, in both back ends.
t.test('A proxy in ipvs mode with few capabilities', { skip: ipvsUnavailable, timeout: TIMEOUT_MS }, async t => {
  const nft = await LimitedNode.create(t, { mode: 'ipvs', backEnd: 'nft', capabilities })
  await nft.testWithout(t, 'net_raw', NEEDS_NET_RAW)
  await nft.testServing(t)
  // An earlier proxy has kept its rules: to read them needs the same.
  await nft.testWithout(t, 'net_raw', NEEDS_NET_RAW)
  await nft.testWithout(t, 'net_admin', /IPTABLES_FORBIDDEN/)

  const legacy = await LimitedNode.create(t, { mode: 'ipvs', backEnd: 'legacy', capabilities })
  await legacy.testServing(t)
  await legacy.testWithout(t, 'net_admin', /IPTABLES_FORBIDDEN/)
  // It cannot see that the node uses legacy, and cannot write its rules with nft either.
  await legacy.testWithout(
    t,
    'net_raw',
    /cannot read the rules of the other iptables back end.*unreadable="legacy".*NET_RAW/,
  )
  await legacy.testWithout(t, 'net_raw', NEEDS_NET_RAW)

  await t.test('ipvs mode with nft serves as another user than root', async t => {
    const { child, log, stop } = nft.start(undefined, 'other')
    await log.waitFor(/"Synced rules" family="IPv4"/)
    t.match(readFileSync(`/proc/${child.pid}/status`, 'utf8'), /^Uid:(\t65534){4}$/m)
    await nft.checkTraffic(t)
    await stop()
  })
})

t.test('ipvs mode in a container', { skip: ipvsUnavailable, timeout: TIMEOUT_MS }, async t => {
  await t.test('the container of ipvs-modules loads the modules with sys_module', async t => {
    const network = await NodeNetwork.create(t)
    const [loadModules] = readInitContainers('components/ipvs-modules')
    const isLoaded = () => /^ip_vs_rr /m.test(readFileSync('/proc/modules', 'utf8'))
    // The kernel frees a namespace some time after it was deleted; its virtual servers use the module until then.
    await waitUntil(async () => {
      await network.node.run('modprobe', ['-r', 'ip_vs_rr'])
      return !isLoaded()
    }, 'ip_vs_rr is unused and removed')
    await runInitContainer(network, loadModules!, 'SYS_MODULE')
    t.notOk(isLoaded(), 'not without')
    t.match(await runInitContainer(network, loadModules!), { exitCode: 0 })
    t.ok(isLoaded())
  })

  await t.test('with node-settings, the proxy makes the settings', async t => {
    const mounts = withMounts(readNodeMounts('node-settings'))
    const node = await LimitedNode.create(t, { mode: 'ipvs', backEnd: 'nft', capabilities }, mounts)
    const read = async (file: string) =>
      (await node.network.node.run('cat', [`/proc/sys/net/ipv4/${file}`])).stdout.trim()
    const wanted = ipvsSettings(release(), false)
    const { log, stop } = node.start()
    await log.waitFor(/"Synced rules" family="IPv4"/)
    for (const { file, value } of wanted) t.equal(await read(file), String(value), file)
    const written = log.lines.filter(line => line.includes('Wrote a kernel setting for ipvs mode'))
    t.ok(
      written.some(line => line.includes('vs/expire_nodest_conn')),
      written.join('\n'),
    )
    t.notMatch(log.lines.join('\n'), /Cannot write a kernel setting/)
    await node.checkTraffic(t)
    await stop()
  })
})
