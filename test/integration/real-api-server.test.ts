import { once } from 'node:events'
import t from 'tap'
import { NodeProcess } from '../support/nodes/node-process.js'
import { ManifestFolder, makeSliceManifest, makeServiceManifest } from '../support/api/manifests.js'
import { NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'
import { realApiServerUnavailable } from '../support/api/real-api-server.js'

const WEB = { clusterIP: '10.96.0.10', port: 80 }
const DNS = { clusterIP: '10.96.0.53', port: 53, protocol: 'UDP' } as const

t.test(
  'manifests and a real API server',
  { skip: namespacesUnavailable || realApiServerUnavailable(), timeout: 180_000 },
  async t => {
    const network = await NodeNetwork.create(t)
    const ips = (await Promise.all(['a', 'b', 'c'].map(name => network.addServer(name)))).map(({ ip }) => ip)
    const inPod = new NetworkClient(network, (await network.addPod()).namespace)
    const onNode = new NetworkClient(network, network.node)
    // The API version of Kubernetes 1.20.
    const slice = (name: string, endpoints: readonly string[], port: number, protocol: 'TCP' | 'UDP' = 'TCP') => ({
      ...makeSliceManifest(name, endpoints, port, protocol),
      apiVersion: 'discovery.k8s.io/v1beta1',
    })
    const services = [makeServiceManifest('web', WEB), makeServiceManifest('dns', DNS)]
    const slices = [slice('web', ips, 8080), slice('dns', ips, 5353, 'UDP')]

    const manifests = new ManifestFolder(t)
    manifests.write(...services, ...slices)
    const api = new NodeProcess(network, 'api/real-api-server-entry')
    t.teardown(async () => {
      api.child.stdin!.end()
      await once(api.child, 'exit')
    })
    const kubeconfig = await api.readLine()
    const SLICES = '/apis/discovery.k8s.io/v1beta1/namespaces/default/endpointslices'
    for (const object of services) await api.sendCommand(['POST', '/api/v1/namespaces/default/services', object])
    for (const object of slices) await api.sendCommand(['POST', SLICES, object])

    /** The Pods that answer, by client and address. */
    const answers = async () => {
      const seen: Record<string, string[]> = {}
      for (const [where, client] of [
        ['Pod', inPod],
        ['node', onNode],
      ] as const) {
        const tcp = []
        const udp = []
        for (let i = 0; i < 3; i++) {
          tcp.push(await client.tcp(WEB.clusterIP, WEB.port))
          const { answer, from } = await client.udp(DNS.clusterIP, DNS.port)
          udp.push(`${answer} from ${from}`)
        }
        seen[`TCP from the ${where}`] = tcp.sort()
        seen[`UDP from the ${where}`] = udp.sort()
      }
      return seen
    }

    const fromManifests = new ProxyProcess(network, ['--manifests', manifests.path])
    await fromManifests.waitForLine(/Synced rules" family="IPv4"/)
    const expected = await answers()
    t.strictSame(expected['TCP from the Pod'], ['a', 'b', 'c'])
    t.strictSame(
      expected['UDP from the node'],
      ['a', 'b', 'c'].map(name => `${name} 5 from 10.96.0.53:53`),
    )
    t.equal(await fromManifests.stop(), 0)

    const proxy = new ProxyProcess(network, ['--kubeconfig', kubeconfig])
    await proxy.waitForLine(/"Serving" servicePort="IPv4\/default\/web/)
    await proxy.waitForLine(/Synced rules" family="IPv4"/)
    t.strictSame(await answers(), expected, 'the same Services are served in the same way')

    await t.test('an endpoint change takes effect', async t => {
      const from = proxy.lines.length
      await api.sendCommand(['PATCH', `${SLICES}/web-1`, { endpoints: [{ addresses: [ips[1]] }] }])
      await proxy.waitForLine(/"Listener updated" servicePort="IPv4\/default\/web/, from)
      for (let i = 0; i < 3; i++) t.equal(await inPod.tcp(WEB.clusterIP, WEB.port), 'b')
    })

    await t.test('a deleted Service is not served; after its creation it is served with its endpoints', async t => {
      let from = proxy.lines.length
      await api.sendCommand(['DELETE', '/api/v1/namespaces/default/services/web'])
      await proxy.waitForLine(/"No longer serving" servicePort="IPv4\/default\/web/, from)
      from = proxy.lines.length
      await api.sendCommand(['POST', '/api/v1/namespaces/default/services', services[0]!])
      await proxy.waitForLine(/"Serving" servicePort="IPv4\/default\/web.* endpoints=1/, from)
      // The write that removes the old rules may still run.
      let answer = ''
      for (let i = 0; i < 100 && answer !== 'b'; i++) answer = await inPod.tcp(WEB.clusterIP, WEB.port)
      t.equal(answer, 'b')
    })
    t.equal(await proxy.stop(), 0)
  },
)
