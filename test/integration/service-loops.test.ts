import t, { type Test } from 'tap'
import { ManifestFolder } from '../support/api/manifests.js'
import { NODE_IP, NODE_IP6, NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const options = { skip: namespacesUnavailable, timeout: 120_000 * TIMEOUT_FACTOR }
const LEFT_OUT = 'An endpoint that is an address of a Service itself is left out'

const FAMILIES = [
  { family: 'IPv4', nodeIP: NODE_IP, network: '10.96.0.1', routedIP: '10.9.0.5', laterIP: '192.168.77.1' },
  { family: 'IPv6', nodeIP: NODE_IP6, network: 'fd00:96::1', routedIP: 'fd00:9::5', laterIP: 'fd00:77::1' },
] as const

/** A Service of one family with a node port, TCP and UDP, and one endpoint. */
function service(
  family: string,
  name: string,
  clusterIP: string,
  nodePort: number,
  [ip, port]: readonly [string, number],
): object[] {
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
      addressType: family,
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
    await network.node.configure(
      'link set lo up',
      'route add local 10.9.0.0/24 dev lo',
      'route add local fd00:9::/64 dev lo',
    )
    const args = [
      '--manifests',
      folder.path,
      '--cluster-cidr',
      '10.244.0.0/15,fd00:244::/31',
      '--iptables-min-sync-period',
      '50ms',
      '--iptables-sync-period',
      '2s',
    ]
    const scenes = FAMILIES.map(({ family, nodeIP, network: prefix, routedIP, laterIP }, index) => {
      const otherIP = family === 'IPv4' ? other.ip : other.ip6
      // One node port is of both families.
      const nodePort = (number: number): number => 30_000 + 10 * index + number
      const targets = {
        there: [otherIP, nodePort(2)],
        back: [nodeIP, nodePort(1)],
        self: [otherIP, nodePort(3)],
        routed: [routedIP, nodePort(4)],
        moving: [laterIP, nodePort(5)],
      } as const
      const objects = Object.entries(targets).flatMap(([name, target], number) =>
        service(family, `${name}-${family.toLowerCase()}`, `${prefix}${number}`, nodePort(number + 1), target),
      )
      const addressOf = (name: keyof typeof targets): string => `${prefix}${Object.keys(targets).indexOf(name)}`
      return { family, laterIP, objects, addressOf }
    })
    folder.write(...scenes.flatMap(({ objects }) => objects))
    const proxies = [network.node, other.node].map(node => new ProxyProcess(network, args, process.env, node, mode))
    for (const proxy of proxies)
      for (const { family } of scenes)
        await proxy.waitForLine(new RegExp(`Synced rules" family="${family}" changed=true`))
    const [here, there] = proxies as [ProxyProcess, ProxyProcess]
    const connectionsOf = (proxy: ProxyProcess) =>
      proxy.lines.filter(line => line.includes('Connected a client')).length

    for (const { family, addressOf } of scenes) {
      await expectRefused(t, client, addressOf('there'), 80, `${family}: two Services over two nodes`)
      await expectRefused(t, client, addressOf('back'), 80, `${family}: the other of the two`)
      await expectRefused(t, client, addressOf('routed'), 80, `${family}: a local route`)
    }
    t.equal(connectionsOf(here) + connectionsOf(there), 0)
    for (const [index, { family, addressOf }] of scenes.entries()) {
      const outcome = await client.tcp(addressOf('self'), 80)
      t.match(outcome, /^(ECONNREFUSED|ECONNRESET)$/, `${family}: the node that has the address leaves it out`)
      t.ok(connectionsOf(here) <= index + 1 && connectionsOf(there) === 0, `${family}: one hop`)
    }

    for (const { family, laterIP, addressOf } of scenes) {
      const from = here.lines.length
      const name = `moving-${family.toLowerCase()}:udp`
      await network.node.configure(`address add ${laterIP} dev eth0${family === 'IPv6' ? ' nodad' : ''}`)
      await here.waitForLine(new RegExp(`${LEFT_OUT}.*default/${name}`), from)
      const isApplied =
        mode === 'userspace'
          ? new RegExp(`"Listener updated" servicePort="${family}/default/${name}/UDP" endpoints=""`)
          : new RegExp(`Synced rules" family="${family}" changed=true`)
      await here.waitForLine(isApplied, from)
      await expectRefused(t, client, addressOf('moving'), 80, `${family}: an address that came later`)
    }
    for (const proxy of proxies) t.equal(await proxy.stop(), 0)
  })
