import { type Test } from 'tap'
import { faultsOf } from '../support/faults/faults-of.js'
import { type SteadyTraffic } from '../support/faults/steady-traffic.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import {
  type Installer,
  impossibleModeOf,
  installersUnavailable,
  readInstallers,
  startInstalled,
  startInstallerApi,
} from '../support/processes/installed-proxy.js'

const testFault = faultsOf('Installers')

/** A node whose API server is where installers expect it. */
async function createNode(t: Test, installers: readonly Installer[]) {
  const node = await ServiceNode.create(t, [])
  const tls = await startInstallerApi(t, node.network, installers, {
    services: node.services,
    endpointslices: node.slices(node.ips),
  })
  return { node, start: (installer: Installer) => startInstalled(t, node.network, installer, tls) }
}

/** Waits until a proxy drains. In iptables mode it has nothing to drain, and exits. */
async function waitForDrain({ child, log }: ReturnType<typeof startInstalled>): Promise<void> {
  await log.waitFor(/The kernel serves from now on/).catch((error: unknown) => {
    if (child.exitCode === null) throw error
  })
}

testFault(
  {
    fault:
      'A proxy ends and another one starts in its place: for each installer that can serve here, with its command line and its files',
    promise:
      'No TCP connection is lost: new ones are served, open ones continue while the first proxy drains. A UDP request that is under way at a change of the rules may be.',
    skip: installersUnavailable,
  },
  async (t, fault) => {
    const installers = readInstallers().filter(installer => impossibleModeOf(installer) === undefined)
    t.ok(installers.length >= 8, `${installers.length} installers`)
    const { node, start } = await createNode(t, installers)
    let proxy = start(installers.at(-1)!)
    t.equal(await proxy.ready(), 0, proxy.log.lines.join('\n'))
    const traffic: SteadyTraffic[] = [...(await node.startRequests())]
    fault.start()
    let served = 0
    for (const installer of installers) {
      const open = await node.startOpenConnections()
      traffic.push(open)
      proxy.child.kill('SIGTERM')
      await waitForDrain(proxy)
      await open.stop()
      t.equal(await proxy.ended, 0, proxy.log.lines.join('\n'))
      proxy = start(installer)
      const exitCode = await proxy.ready()
      t.equal(exitCode, 0, `${installer.name}: ${proxy.log.lines.join('\n')}`)
      if (exitCode === 0) served++
    }
    fault.checkLoss(installers.length - served, installers.length, 'starts')
    await fault.checkTraffic(traffic, { udpRequests: 2 * installers.length })
    proxy.child.kill('SIGTERM')
    t.equal(await proxy.ended, 0)
  },
)
