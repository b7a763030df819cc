import { once } from 'node:events'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import t from 'tap'
import { ManifestFolder, makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

/** Connects from a fixed port, and prints what the server says. The kernel sends its SYN again after 1, 3, 7, 15 s. */
const TCP_CLIENT = `
  const [ip] = process.argv.slice(1)
  const socket = require('net').connect({ host: ip, port: 80, localPort: 5555, allowHalfOpen: true })
  socket.on('error', error => console.log(error.code)).on('data', data => console.log(String(data)))
  socket.end()`

/** Sends a datagram from a fixed port every 100 ms, and prints the answers. */
const UDP_CLIENT = `
  const [ip] = process.argv.slice(1)
  const socket = require('dgram').createSocket(ip.includes(':') ? 'udp6' : 'udp4')
  socket.on('message', data => console.log(String(data))).bind(5555)
  setInterval(() => socket.send('hello', 53, ip, () => {}), 100)`

const FAMILIES = [
  { family: 'IPv4', podAddress: 'ip', clusterIP: '10.96.0.10' },
  { family: 'IPv6', podAddress: 'ip6', clusterIP: 'fd00:96::a' },
] as const

for (const mode of ['userspace', 'iptables'])
  for (const { family, podAddress, clusterIP } of FAMILIES)
    t.test(
      `in ${mode} mode, clients that started before their Service are served, though conntrack fails at first (${family})`,
      { skip: namespacesUnavailable },
      async t => {
        const network = await NodeNetwork.create(t)
        const server = await network.addServer('a')
        // Packets that no rule translates vanish on their way, as on most networks.
        for (const gateway of ['192.168.50.254', 'fd00:50::fe'])
          await network.node.configure(`neigh add ${gateway} lladdr 02:00:00:00:00:fe dev eth0 nud permanent`)
        const { namespace } = await network.addPod()
        const programs = t.testdir({})
        writeFileSync(
          join(programs, 'conntrack'),
          `#!/bin/sh\n[ -e ${programs}/broken ] && { echo broken >&2; exit 1; }\nPATH=\${PATH#*${delimiter}} exec conntrack "$@"\n`,
        )
        chmodSync(join(programs, 'conntrack'), 0o755)
        const env = { ...process.env, PATH: `${programs}${delimiter}${process.env['PATH']}` }
        const folder = new ManifestFolder(t)
        const args = ['--manifests', folder.path, '--iptables-sync-period=5s', '--iptables-min-sync-period=50ms']
        const proxy = new ProxyProcess(network, args, env, network.node, mode)
        await proxy.waitForLine(new RegExp(`Synced rules" family="${family}"`))

        const udp = network.start(namespace, process.execPath, ['-e', UDP_CLIENT, clusterIP])
        const udpAnswer = once(udp.stdout!, 'data')
        const tcp = network.start(namespace, process.execPath, ['-e', TCP_CLIENT, clusterIP])
        const tcpAnswer = once(tcp.stdout!, 'data')
        const isTracked = async (protocol: string, port: number) => {
          const list = ['-L', '-f', family.toLowerCase(), '-p', protocol, '--dport', String(port)]
          return (await network.node.run('conntrack', list)).stdout.includes(` dport=${port} [UNREPLIED]`)
        }
        await waitUntil(async () => (await isTracked('udp', 53)) && (await isTracked('tcp', 80)), 'both are tracked')

        const ports = [
          { name: 'http', port: 80 },
          { name: 'dns', port: 53, protocol: 'UDP' },
        ]
        const slice = {
          ...makeSliceManifest('web', [server[podAddress]], 8080),
          ports: [
            { name: 'http', port: 8080, protocol: 'TCP' },
            { name: 'dns', port: 5353, protocol: 'UDP' },
          ],
        }
        const service = makeServiceManifest('web', { clusterIP, port: 80 }) as { spec: object }
        // Not earlier: the first sync would report the failure, and it is reported once.
        writeFileSync(join(programs, 'broken'), '')
        const from = proxy.lines.length
        folder.write({ ...service, spec: { ...service.spec, ports } }, slice)
        await proxy.waitForLine(/Cannot delete stale flows; the next check of the rules tries again/, from)
        rmSync(join(programs, 'broken'))
        t.equal(String(((await udpAnswer) as [Buffer])[0]).trim(), 'a 5', 'the UDP client is served')
        t.equal(String(((await tcpAnswer) as [Buffer])[0]).trim(), 'a', 'the TCP client is served')
        const complaints = proxy.lines.filter(line => line.includes('Cannot delete stale flows'))
        t.ok(complaints.length <= 2, 'a failure that lasts is reported once for each family')
        t.equal(await proxy.stop(), 0)
      },
    )
