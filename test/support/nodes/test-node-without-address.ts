import type { Test } from 'tap'
import { makeApiNode } from '../api/api-objects.js'
import { makeServiceManifest, makeSliceManifest } from '../api/manifests.js'
import { ProxyProcess } from '../processes/proxy-process.js'
import { NODE_IP, NetworkClient, NodeNetwork } from './node-network.js'
import { NodeProcess } from './node-process.js'

const NODE_NAME = 'this-node'
const WEB = { clusterIP: '10.96.0.10', port: 80, nodePort: 30_080 }

/** Shows that new endpoints get new connections. Only iptables mode writes rules for that. */
const ENDPOINTS_CHANGED = {
  userspace: /"Listener updated"/,
  iptables: /Synced rules" family="IPv4" changed=true/,
  ipvs: /"Synced virtual servers" family="IPv4"/,
}

/** Tests that a proxy serves although its Node object has no address yet, as before an external cloud provider has set it. */
export async function testNodeWithoutAddress(t: Test, mode: keyof typeof ENDPOINTS_CHANGED): Promise<void> {
  await t.test(`${mode} mode serves while the Node has no address, and when it has one`, async t => {
    const network = await NodeNetwork.create(t)
    const [before, after] = [await network.addServer('before'), await network.addServer('after')]
    const clients = {
      'a Pod': new NetworkClient(network, (await network.addPod()).namespace),
      'the node': new NetworkClient(network, network.node),
      outside: new NetworkClient(network, (await network.addHost()).namespace),
    }
    const checkTraffic = async (answer: string): Promise<void> => {
      for (const [from, client] of Object.entries(clients)) {
        t.equal(await client.tcp(WEB.clusterIP, WEB.port), answer, `ClusterIP, from ${from}`)
        t.equal(await client.tcp(NODE_IP, WEB.nodePort), answer, `node port, from ${from}`)
      }
    }
    const api = new NodeProcess(network, 'api/api-server-entry')
    const url = await api.readLine()
    await api.sendCommand({
      put: [
        ['nodes', makeApiNode(NODE_NAME, { addresses: [] })],
        ['services', makeServiceManifest('web', WEB)],
        ['endpointslices', makeSliceManifest('web', [before.ip], 8080)],
      ],
    })
    const flags = [`--master=${url}`, `--hostname-override=${NODE_NAME}`]
    const proxy = new ProxyProcess(network, flags, process.env, network.node, mode)
    t.match(
      await proxy.waitForLine(/Waiting for the Node of this machine/),
      /reason="it has no address" seconds=5/,
      'no longer than that',
    )
    await proxy.waitForLine(/Serving without the Node of this machine/)
    await proxy.waitForLine(/Synced rules" family="IPv4" changed=true/)
    await checkTraffic('before')

    const from = proxy.lines.length
    await api.sendCommand({ put: [['nodes', makeApiNode(NODE_NAME)]] })
    await proxy.waitForLine(new RegExp(`"Node of this machine" addresses="${NODE_IP}"`), from)
    await api.sendCommand({ put: [['endpointslices', makeSliceManifest('web', [after.ip], 8080)]] })
    await proxy.waitForLine(ENDPOINTS_CHANGED[mode], from)
    await checkTraffic('after')
    t.equal(await proxy.stop(), 0)
  })
}
