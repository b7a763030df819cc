import t, { type Test } from 'tap'
import { ManifestFolder } from '../support/api/manifests.js'
import { NODE_IP, NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const options = { skip: namespacesUnavailable, timeout: 120_000 * TIMEOUT_FACTOR }
const LEFT_OUT = 'An endpoint that is an address of a Service itself is left out'

/** A Service with a node port, TCP and UDP, and one endpoint. */
function service(name: string, clusterIP: string, nodePort: number, [ip, port]: readonly [string, number]): object[] {
  const ports = [
    { name: 'tcp', protocol: 'TCP', port: 80, nodePort },
    { name: 'udp', protocol: 'UDP', port: 80, nodePort },
  ]
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { type: 'NodePort', clusterIP, clusterIPs: [clusterIP], ports },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: ports.map(one => ({ name: one.name, protocol: one.protocol, port })),
      endpoints: [{ addresses: [ip] }],
    },
  ]
}

/** A client is refused at once: nothing goes round. */
async function expectRefused(t: Test, client: NetworkClient, ip: string, port: number, what: string): Promise<void> {
  t.equal(await client.tcp(ip, port), 'ECONNREFUSED', what)
  t.match(await client.udp(ip, port), { answer: 'ECONNREFUSED' }, `${what}, UDP`)
}

for (const mode of ['userspace', 'iptables'])
  t.test(`${mode} mode: endpoints that lead back to a Service are left out`, options, async t => {
    const network = await NodeNetwork.create(t)
    const other = await network.addNode()
    const client = new NetworkClient(network, (await network.addPod()).namespace)
    const folder = new ManifestFolder(t)
    await network.node.configure('link set lo up', 'route add local 10.9.0.0/24 dev lo')
    const args = [
      '--manifests',
      folder.path,
      '--cluster-cidr',
      '10.244.0.0/15',
      '--iptables-min-sync-period',
      '50ms',
      '--iptables-sync-period',
      '2s',
    ]
    folder.write(
      ...service('a', '10.96.0.10', 30001, [other.ip, 30002]),
      ...service('b', '10.96.0.11', 30002, [NODE_IP, 30001]),
      ...service('self', '10.96.0.12', 30003, [other.ip, 30003]),
      ...service('routed', '10.96.0.13', 30004, ['10.9.0.5', 30004]),
      ...service('moving', '10.96.0.14', 30005, ['192.168.77.1', 30005]),
    )
    const proxies = [network.node, other.node].map(node => new ProxyProcess(network, args, process.env, node, mode))
    for (const proxy of proxies) await proxy.waitForLine(/Synced rules" family="IPv4" changed=true/)
    const [here, there] = proxies as [ProxyProcess, ProxyProcess]

    await expectRefused(t, client, '10.96.0.10', 80, 'two Services over two nodes')
    await expectRefused(t, client, '10.96.0.11', 80, 'the other of the two')
    await expectRefused(t, client, '10.96.0.13', 80, 'a local route')
    const connectionsOf = (proxy: ProxyProcess) =>
      proxy.lines.filter(line => line.includes('Connected a client')).length
    t.equal(connectionsOf(here) + connectionsOf(there), 0)
    const outcome = await client.tcp('10.96.0.12', 80)
    t.match(outcome, /^(ECONNREFUSED|ECONNRESET)$/, 'the node that has the address leaves it out')
    t.ok(connectionsOf(here) <= 1 && connectionsOf(there) === 0, 'one hop')

    const from = here.lines.length
    await network.node.configure('address add 192.168.77.1/32 dev eth0')
    await here.waitForLine(new RegExp(`${LEFT_OUT}.*default/moving:udp`), from)
    const isApplied =
      mode === 'userspace'
        ? /"Listener updated" servicePort="IPv4\/default\/moving:udp\/UDP" endpoints=""/
        : /Synced rules" family="IPv4" changed=true/
    await here.waitForLine(isApplied, from)
    await expectRefused(t, client, '10.96.0.14', 80, 'an address that came later')
    for (const proxy of proxies) t.equal(await proxy.stop(), 0)
  })
