import { once } from 'node:events'
import t from 'tap'
import { ManifestFolder } from '../support/api/manifests.js'
import { NODE_IP, NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const PORT = 9100

function service(name: string, clusterIP: string, targetRef?: object, ip = NODE_IP): object[] {
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { clusterIP, clusterIPs: [clusterIP], ports: [{ port: 80 }] },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ name: '', port: PORT }],
      endpoints: [{ addresses: [ip], ...(targetRef !== undefined && { targetRef }) }],
    },
  ]
}

t.test(
  'a port that the firewall keeps to the node is not lent to clients of a Service',
  { skip: namespacesUnavailable, timeout: 120_000 * TIMEOUT_FACTOR },
  async t => {
    const network = await NodeNetwork.create(t)
    const client = new NetworkClient(network, (await network.addPod()).namespace)
    await network.node.configure('link set lo up')
    await network.node.run('iptables', [
      ...['-A', 'INPUT', '!', '-i', 'lo', '-p', 'tcp', '--dport', String(PORT)],
      ...['-j', 'REJECT', '--reject-with', 'tcp-reset'],
    ])
    const program = `require('net').createServer(s => s.end('the node')).listen(${PORT}, () => console.log('listening'))`
    const server = network.start(network.node, process.execPath, ['-e', program])
    await once(server.stdout!, 'data')
    t.equal(await client.tcp(NODE_IP, PORT), 'ECONNREFUSED', 'the firewall works')

    const folder = new ManifestFolder(t)
    folder.write(
      ...service('plain', '10.96.0.10'),
      ...service('host-network', '10.96.0.11', { kind: 'Pod', namespace: 'default', name: 'ingress-1' }),
      ...service('bridge', '10.96.0.13', { kind: 'Pod', namespace: 'default', name: 'invented' }, '10.244.0.1'),
      ...service('external', '10.96.0.12', { kind: 'Node', name: 'this-node' }),
      ...service('kubernetes', '10.96.0.1'),
    )
    const args = ['--manifests', folder.path, '--cluster-cidr', '10.244.0.0/16', '--iptables-min-sync-period', '50ms']
    const proxy = new ProxyProcess(network, args, process.env, network.node, 'userspace')
    await proxy.waitForLine(/Synced rules" family="IPv4" changed=true/)
    t.equal(await client.tcp('10.96.0.10', 80), 'ECONNREFUSED')
    t.equal(await client.tcp('10.96.0.12', 80), 'ECONNREFUSED', 'a targetRef that names no Pod')
    t.equal(await client.tcp('10.96.0.13', 80), 'ECONNREFUSED', 'an address of the node that no Pod has')
    t.equal(await client.tcp('10.96.0.11', 80), 'the node', 'a Pod with hostNetwork')
    t.equal(await client.tcp('10.96.0.1', 80), 'the node', 'the API server')
    const reports = proxy.lines.filter(line => line.includes('no Pod is left out'))
    t.equal(reports.length, 3)
    t.equal(await proxy.stop(), 0)

    const allowing = new ProxyProcess(
      network,
      [...args, '--allow-node-address-endpoints'],
      process.env,
      network.node,
      'userspace',
    )
    await allowing.waitForLine(/Synced rules" family="IPv4"/)
    t.equal(await client.tcp('10.96.0.10', 80), 'the node')
    t.equal(await allowing.stop(), 0)
  },
)
