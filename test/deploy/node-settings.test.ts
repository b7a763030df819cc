import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { MOUNTED_SYSCTLS } from '../../lib/system/kernel-files.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { type NodeMount, readNodeMounts, withMounts } from '../support/deploy/node-mounts.js'
import { NetworkClient, namespacesUnavailable } from '../support/nodes/node-network.js'
import { LimitedNode } from '../support/processes/few-capabilities.js'

const NODE_PORT = 30_080
const mounts = readNodeMounts('node-settings')
const capabilities = readCapabilities()

/** The sysctl that a mode sets, and what the log says of it. ipvs mode: test/integration/capabilities-in-ipvs-mode.test.ts. */
const SETTINGS = [
  { mode: 'userspace', file: 'tcp_tw_reuse', set: /"Set tcp_tw_reuse/, notSet: /"Cannot set tcp_tw_reuse.*"EROFS"/ },
  {
    mode: 'iptables',
    file: 'conf/all/route_localnet',
    set: /"Set route_localnet/,
    notSet: /"Cannot set route_localnet.*"EROFS".*--iptables-localhost-nodeports=false/,
  },
] as const
const REFUSING: readonly (readonly [string, readonly NodeMount[]])[] = [
  ['without the component', []],
  ['on a node that refuses', mounts.map(mount => ({ ...mount, access: 'ro' }))],
]

/** Those of the proxy's container. */
function readCapabilities(): readonly string[] {
  const { spec } = parse(readFileSync('deploy/base/daemonset.yaml', 'utf8')) as {
    spec: { template: { spec: { containers: [{ securityContext: { capabilities: { add: string[] } } }] } } }
  }
  return spec.template.spec.containers[0].securityContext.capabilities.add.map(name => name.toLowerCase())
}

t.test('node-settings mounts the sysctls of the network where the proxy writes them', t => {
  t.same(mounts, [{ source: '/proc/sys/net', target: MOUNTED_SYSCTLS, access: 'rw' }])
  t.end()
})

/** The value of a sysctl of the node. */
async function readSetting(node: LimitedNode, file: string): Promise<string> {
  return (await node.network.node.run('cat', [`/proc/sys/net/ipv4/${file}`])).stdout.trim()
}

for (const { mode, file, set, notSet } of SETTINGS) {
  const start = async (t: Parameters<typeof LimitedNode.create>[0], seen: readonly NodeMount[]) => {
    const node = await LimitedNode.create(t, { mode, backEnd: 'nft', capabilities }, withMounts(seen))
    const { log, stop } = node.start()
    return { node, log, stop, read: () => readSetting(node, file) }
  }

  t.test(
    `${mode} mode with node-settings sets ${file} with the capabilities of the manifests`,
    { skip: namespacesUnavailable },
    async t => {
      const { node, log, stop, read } = await start(t, mounts)
      await log.waitFor(set)
      t.equal(await read(), '1')
      await log.waitFor(/"Synced rules" family="IPv4"/)
      await node.checkTraffic(t)
      t.equal(await new NetworkClient(node.network, node.network.node).tcp('127.0.0.1', NODE_PORT), 'a')
      if (mode === 'iptables') {
        const { stdout } = await node.network.node.run('iptables-nft-save', ['-t', 'filter'])
        t.match(stdout, /block incoming localnet connections/, 'a rule protects loopback (CVE-2020-8558)')
      }
      await stop()
    },
  )

  for (const [where, seen] of REFUSING)
    t.test(
      `${mode} mode ${where} reports that it cannot set ${file}, and serves`,
      { skip: namespacesUnavailable },
      async t => {
        const { node, log, stop, read } = await start(t, seen)
        await log.waitFor(notSet)
        t.not(await read(), '1')
        await log.waitFor(/"Synced rules" family="IPv4"/)
        await node.checkTraffic(t)
        await stop()
      },
    )
}

t.test(
  'after a crash in userspace mode, the kernel serves node ports on loopback too',
  { skip: namespacesUnavailable },
  async t => {
    const temporary = mkdtempSync(join(tmpdir(), 'kpn-settings-'))
    t.teardown(() => rmSync(temporary, { recursive: true }))
    const through = ['env', `TMPDIR=${temporary}`, ...withMounts(mounts)]
    const node = await LimitedNode.create(t, { mode: 'userspace', backEnd: 'nft', capabilities }, through)
    const { child, log } = node.start(undefined, 'root', 'kernel')
    await log.waitFor(/"Synced rules" family="IPv4"/)
    const isArmed = () => readdirSync(temporary).some(name => existsSync(join(temporary, name, 'current')))
    await waitUntil(isArmed, 'the failover process has its script')
    t.equal(await readSetting(node, 'conf/all/route_localnet'), '0')
    child.kill('SIGKILL')
    await waitUntil(async () => (await readSetting(node, 'conf/all/route_localnet')) === '1', 'route_localnet is set')
    t.equal(await new NetworkClient(node.network, node.network.node).tcp('127.0.0.1', NODE_PORT), 'a')
  },
)
