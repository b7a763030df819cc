import t from 'tap'
import { readConfig } from '../../lib/config/read-config.js'
import { ipvsRequirements } from '../../lib/modes/ipvs/probe.js'
import { MODES } from '../../lib/modes/registry.js'
import { ipvsSettings } from '../../lib/system/ipvs-settings.js'
import { type KernelTools } from '../../lib/system/kernel-tools.js'
import { readInitContainers, runInitContainer } from '../support/deploy/init-container.js'
import { NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'

// test/integration/capabilities-in-ipvs-mode.test.ts runs those of ipvs mode, where the kernel has IPVS.
const KERNEL = '6.1.0'
const [loadModules, settings] = readInitContainers('ipvs-mode')

t.test('ipvs mode: the modules are those that the mode asks for with the default scheduler', t => {
  const { scheduler } = readConfig({}, 'node-1', MODES).config.kernelModes.ipvs
  const tools = { iptables: [{ family: 'IPv4' }] } as unknown as KernelTools
  const needed = ipvsRequirements(scheduler, tools).map(({ module }) => module)
  const [, list] = /^modprobe -a (.*) \|\| true$/.exec(loadModules!.command.at(-1)!) ?? []
  t.same(list?.split(' '), needed)
  t.end()
})

t.test('ipvs mode: the settings are those that the proxy makes where it may', t => {
  const [, list] = /for setting in (.*); do/.exec(settings!.command.at(-1)!) ?? []
  t.same(
    list?.split(' '),
    ipvsSettings(KERNEL, false).map(({ file, value }) => `${file}=${value}`),
  )
  t.end()
})

t.test(
  'node-settings: the container sets tcp_tw_reuse without any capability',
  { skip: namespacesUnavailable },
  async t => {
    const network = await NodeNetwork.create(t)
    const [container] = readInitContainers('node-settings')
    t.same(container!.capabilities, [])
    const read = async () => (await network.node.run('cat', ['/proc/sys/net/ipv4/tcp_tw_reuse'])).stdout.trim()
    t.not(await read(), '1')
    t.match(await runInitContainer(network, container!), { exitCode: 0, stderr: '' })
    t.equal(await read(), '1')
  },
)
