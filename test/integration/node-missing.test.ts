import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { makeApiNode } from '../support/api/api-objects.js'
import { makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { NodeProcess } from '../support/nodes/node-process.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const NODE_NAME = 'this-node'
const WEB = { clusterIP: '10.96.0.10', port: 80 }
const SHORTEN_NODE_WAIT = fileURLToPath(new URL('../support/processes/shorten-node-wait.js', import.meta.url))

// node-manager.test.ts tests userspace mode, which serves without the Node.
t.test('A Node object that is missing at the start', { skip: namespacesUnavailable }, async t => {
  await t.test('iptables mode waits 5 minutes and exits; the kernel serves the last rules all the time', async t => {
    const network = await NodeNetwork.create(t)
    const server = await network.addServer('here')
    const client = new NetworkClient(network, (await network.addPod()).namespace)
    const api = new NodeProcess(network, 'api/api-server-entry')
    const flags = [`--master=${await api.readLine()}`, `--hostname-override=${NODE_NAME}`]
    const start = (...nodeArgs: readonly string[]) =>
      new ProxyProcess(network, flags, process.env, network.node, 'iptables', nodeArgs)
    await api.sendCommand({
      put: [
        ['nodes', makeApiNode(NODE_NAME)],
        ['services', makeServiceManifest('web', WEB)],
        ['endpointslices', makeSliceManifest('web', [server.ip], 8080)],
      ],
    })
    const before = start()
    await before.waitForLine(/Synced rules" family="IPv4" changed=true/)
    t.equal(await before.stop(), 0)
    await api.sendCommand({ remove: [['nodes', NODE_NAME]] })

    const proxy = start('--import', SHORTEN_NODE_WAIT)
    const ended = once(proxy.child, 'close')
    t.match(
      await proxy.waitForLine(/Waiting for the Node of this machine/),
      /reason="the API server does not return it" seconds=3$/,
      'a hundredth of 5 minutes',
    )
    t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'here', 'while it waits')
    t.strictSame(await ended, [1, null])
    const log = proxy.lines.join('\n')
    t.match(log, /Timed out after 0\.05 min waiting for Node "this-node": the API server does not return it/)
    t.match(log, /Check --hostname-override \(kubectl get nodes shows the names\)/)
    t.match(log, /NODE_MISSING/)
    t.notMatch(log, /Synced rules|Serving without/, 'it has written no rule')
    t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'here', 'after it has exited')
  })
})
