import { once } from 'node:events'
import t, { type Test } from 'tap'
import { ManifestFolder } from '../support/api/manifests.js'
import { NODE_IP, NODE_IP6, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { ProgramHook } from '../support/processes/program-hook.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const SAVE_PROGRAMS = /^ip6tables-(nft|legacy)-save$/
const ABSENT = 'echo "Failed to initialize nft: Protocol not supported" >&2; exit 1'
const PASSING = 'kill -KILL $$'
const LEFT_OUT = {
  warning: /^W.*"Not serving an IP family of this node/,
  information: /^I.*"Not serving this IP family/,
}

const options = { skip: namespacesUnavailable }

/** A proxy of a node with these addresses, where the programs that read IPv6 rules fail. */
async function start(t: Test, how: string, addresses: 'both families' | 'IPv4' | 'IPv6'): Promise<ProxyProcess> {
  const network = await NodeNetwork.create(t)
  if (addresses === 'IPv4')
    await network.node.configure('address del fd00:244::1/64 dev cni0', `address del ${NODE_IP6}/64 dev eth0`)
  if (addresses === 'IPv6')
    await network.node.configure('address del 10.244.0.1/24 dev cni0', `address del ${NODE_IP}/24 dev eth0`)
  const { env } = new ProgramHook(t, SAVE_PROGRAMS, how)
  return new ProxyProcess(network, ['--manifests', new ManifestFolder(t).path], env)
}

t.test('a node uses a family that its kernel lacks: the proxy warns, and serves the other one', options, async t => {
  const proxy = await start(t, ABSENT, 'both families')
  t.match(await proxy.waitForLine(LEFT_OUT.warning), /family="IPv6" reason=".*Protocol not supported/)
  t.match(await proxy.waitForLine(/"Using iptables"/), /families="IPv4"/)
  t.equal(await proxy.stop(), 0)
})

for (const addresses of ['both families', 'IPv6'] as const)
  t.test(
    `a node with addresses of ${addresses} cannot read IPv6 rules for a reason that may pass: the proxy ends`,
    options,
    async t => {
      const proxy = await start(t, PASSING, addresses)
      const [code] = (await once(proxy.child, 'close', { signal: AbortSignal.timeout(60_000) })) as [number]
      t.equal(code, 1)
      t.match(proxy.lines.join('\n'), /ip6tables-\w+-save.* was killed[^]*PROGRAM_FAILED/)
      t.notMatch(proxy.lines.join('\n'), /"Using iptables"/)
    },
  )

t.test('a node without addresses of a family that cannot be read: the proxy serves the other one', options, async t => {
  const proxy = await start(t, PASSING, 'IPv4')
  t.match(await proxy.waitForLine(LEFT_OUT.information), /family="IPv6" reason="/)
  t.match(await proxy.waitForLine(/"Using iptables"/), /families="IPv4"/)
  t.equal(await proxy.stop(), 0)
})
