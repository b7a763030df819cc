import t from 'tap'
import { readConfig } from '../../lib/config/read-config.js'
import { ipvsRequirements } from '../../lib/modes/ipvs/probe.js'
import { MODES } from '../../lib/modes/registry.js'
import { type KernelTools } from '../../lib/system/kernel-tools.js'
import { readInitContainers, runInitContainer } from '../support/deploy/init-container.js'
import { NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import { PROXY_PROGRAM } from '../support/processes/proxy-process.js'

// test/integration/capabilities-in-ipvs-mode.test.ts runs it where the kernel has IPVS.
const [loadModules] = readInitContainers('components/ipvs-modules')

t.test('ipvs mode: the modules are those that the mode asks for with the default scheduler', t => {
  const { scheduler } = readConfig({}, 'node-1', MODES).config.kernelModes.ipvs
  const tools = { iptables: [{ family: 'IPv4' }] } as unknown as KernelTools
  const needed = ipvsRequirements(scheduler, tools).map(({ module }) => module)
  const [, list] = /^modprobe -a (.*) \|\| true$/.exec(loadModules!.command.at(-1)!) ?? []
  t.same(list?.split(' '), needed)
  t.end()
})

t.test(
  'ipvs mode: a module that cannot be loaded is reported, and the proxy starts',
  { skip: namespacesUnavailable },
  async t => {
    const network = await NodeNetwork.create(t)
    const command = loadModules!.command.map(word => word.replace('ip_vs_rr', 'ip_vs_none'))
    const result = await runInitContainer(network, { ...loadModules!, command })
    t.match(result, { exitCode: 0, stderr: /modprobe/ })
  },
)

t.test('what removes the rules leaves none of a proxy that has ended', { skip: namespacesUnavailable }, async t => {
  const node = await ServiceNode.create(t, ['--on-exit=keep'])
  const proxy = await node.start()
  t.equal(await proxy.stop(), 0)
  const left = async () => (await node.rules()).filter(rule => rule.includes('KUBE-'))
  t.not((await left()).length, 0)
  const [cleanup] = readInitContainers('cleanup')
  const [program, ...args] = cleanup!.command
  t.equal(program, '/usr/local/bin/kube-proxy')
  const command = [process.execPath, PROXY_PROGRAM, ...args]
  t.match(await runInitContainer(node.network, { ...cleanup!, command }), { exitCode: 0 })
  t.same(await left(), [])
})
