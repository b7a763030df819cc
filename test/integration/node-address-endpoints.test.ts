import { once } from 'node:events'
import t from 'tap'
import { ManifestFolder } from '../support/api/manifests.js'
import { NODE_IP, NODE_IP6, NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const PORT = 9100

const PROTOCOLS = ['TCP', 'UDP'] as const
const FAMILIES = [
  { family: 'IPv4', nodeIP: NODE_IP, bridgeIP: '10.244.0.1', network: '10.96.0.', firewall: 'iptables' },
  { family: 'IPv6', nodeIP: NODE_IP6, bridgeIP: 'fd00:244::1', network: 'fd00:96::', firewall: 'ip6tables' },
] as const
type Family = (typeof FAMILIES)[number]

/** Answers on the port with `the node`, TCP and UDP, IPv4 and IPv6. */
const NODE_SERVER = `
  require('net').createServer(socket => socket.end('the node')).listen(${PORT}, () => {
    const udp = require('dgram').createSocket('udp6')
    udp.on('message', (_, from) => udp.send('the node', from.port, from.address))
    udp.bind(${PORT}, () => console.log('listening'))
  })`

/** A Service of both families, TCP and UDP, whose endpoint is an address of the node. */
function service(name: string, last: number, targetRef?: object, address: 'nodeIP' | 'bridgeIP' = 'nodeIP'): object[] {
  const clusterIPs = FAMILIES.map(({ network }) => `${network}${last}`)
  const ports = PROTOCOLS.map(protocol => ({ name: protocol.toLowerCase(), protocol, port: 80 }))
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { clusterIP: clusterIPs[0], clusterIPs, ports },
    },
    ...FAMILIES.map(one => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: `${name}-${one.family.toLowerCase()}`, labels: { 'kubernetes.io/service-name': name } },
      addressType: one.family,
      ports: ports.map(port => ({ ...port, port: PORT })),
      endpoints: [{ addresses: [one[address]], ...(targetRef !== undefined && { targetRef }) }],
    })),
  ]
}

t.test(
  'a port that the firewall keeps to the node is not lent to clients of a Service',
  { skip: namespacesUnavailable, timeout: 120_000 * TIMEOUT_FACTOR },
  async t => {
    const network = await NodeNetwork.create(t)
    const client = new NetworkClient(network, (await network.addPod()).namespace)
    await network.node.configure('link set lo up')
    for (const { firewall } of FAMILIES)
      for (const protocol of ['tcp', 'udp'])
        await network.node.run(firewall, [
          ...['-A', 'INPUT', '!', '-i', 'lo', '-p', protocol, '--dport', String(PORT)],
          ...['-j', 'REJECT', ...(protocol === 'tcp' ? ['--reject-with', 'tcp-reset'] : [])],
        ])
    const server = network.start(network.node, process.execPath, ['-e', NODE_SERVER])
    await once(server.stdout!, 'data')
    /** What clients of each family and protocol get at an address. */
    const expectAnswers = async (addressOf: (family: Family) => string, port: number, answer: string, what: string) => {
      for (const family of FAMILIES) {
        const address = addressOf(family)
        t.equal(await client.tcp(address, port), answer, `${what}, ${family.family}`)
        t.equal((await client.udp(address, port)).answer, answer, `${what}, ${family.family}, UDP`)
      }
    }
    const expectService = (last: number, answer: string, what: string) =>
      expectAnswers(({ network: prefix }) => `${prefix}${last}`, 80, answer, what)
    await expectAnswers(({ nodeIP }) => nodeIP, PORT, 'ECONNREFUSED', 'the firewall works')

    const folder = new ManifestFolder(t)
    folder.write(
      ...service('plain', 10),
      ...service('host-network', 11, { kind: 'Pod', namespace: 'default', name: 'ingress-1' }),
      ...service('bridge', 13, { kind: 'Pod', namespace: 'default', name: 'invented' }, 'bridgeIP'),
      ...service('external', 12, { kind: 'Node', name: 'this-node' }),
      ...service('kubernetes', 1),
    )
    const start = async (...more: string[]) => {
      const ranges = '10.244.0.0/16,fd00:244::/64'
      const args = ['--manifests', folder.path, '--cluster-cidr', ranges, '--iptables-min-sync-period', '50ms', ...more]
      const proxy = new ProxyProcess(network, args, process.env, network.node, 'userspace')
      for (const { family } of FAMILIES) await proxy.waitForLine(new RegExp(`Synced rules" family="${family}"`))
      return proxy
    }
    const proxy = await start()
    await expectService(10, 'ECONNREFUSED', 'no targetRef')
    await expectService(12, 'ECONNREFUSED', 'a targetRef that names no Pod')
    await expectService(13, 'ECONNREFUSED', 'an address of the node that no Pod has')
    await expectService(11, 'the node', 'a Pod with hostNetwork')
    await expectService(1, 'the node', 'the API server')
    const reports = proxy.lines.filter(line => line.includes('no Pod is left out'))
    t.equal(reports.length, 3 * FAMILIES.length * PROTOCOLS.length)
    t.equal(await proxy.stop(), 0)

    const allowing = await start('--allow-node-address-endpoints')
    await expectService(10, 'the node', 'with the leave of the operator')
    t.equal(await allowing.stop(), 0)
  },
)
