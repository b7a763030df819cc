import { once } from 'node:events'
import t, { type Test } from 'tap'
import { ManifestFolder, makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { startWithFewFiles } from '../support/processes/start-with-few-files.js'

const ADDRESSES = {
  IPv4: { hung: '10.96.0.10', other: '10.96.0.11', dns: '10.96.0.53', pod: 'ip', table: '/proc/net/tcp' },
  IPv6: { hung: 'fd00:96::10', other: 'fd00:96::11', dns: 'fd00:96::53', pod: 'ip6', table: '/proc/net/tcp6' },
} as const
type Family = keyof typeof ADDRESSES
const HUNG_POD_PORT = 9000

/** Processes of the proxy may open this many files. */
const FILE_LIMIT = 400
const CLIENTS = 150

/** Reads, and never closes a connection. */
const HUNG_POD = `
require('net').createServer({ allowHalfOpen: true }, socket => socket.resume().on('error', () => undefined))
  .listen(${HUNG_POD_PORT}, () => process.stdout.write('ready'))
`

/** Connects to the address that is its argument, sends a line and closes, without waiting for an answer. */
const IMPATIENT_CLIENTS = `
let open = ${CLIENTS}
for (let n = 0; n < ${CLIENTS}; n++) {
  const socket = require('net').connect(80, process.argv[1])
  socket.on('error', () => undefined).on('close', () => --open || process.stdout.write('closed'))
  socket.end('line', () => socket.destroy())
}
`

/** How many connections to the hung Pod belong to a process of the node. The kernel's own, of closed sockets, have no inode. */
async function countConnections({ node }: NodeNetwork, family: Family): Promise<number> {
  const { stdout } = await node.run('cat', [ADDRESSES[family].table])
  const remote = `:${HUNG_POD_PORT.toString(16).toUpperCase().padStart(4, '0')}`
  return stdout
    .split('\n')
    .map(line => line.trim().split(/ +/))
    .filter(([, , to, , , , , , , inode]) => to?.endsWith(remote) === true && inode !== '0').length
}

async function setUp(t: Test, family: Family, fastPath: string) {
  const { pod, ...address } = ADDRESSES[family]
  const network = await NodeNetwork.create(t)
  const [server, hung, { namespace: clients }] = await Promise.all([
    network.addServer('other'),
    network.addPod(),
    network.addPod(),
  ])
  await once(network.start(hung.namespace, process.execPath, ['-e', HUNG_POD]).stdout!, 'data')
  // So soon the kernel of the clients forgets their sockets, and answers the proxy's keep-alive with a reset. 60 s are usual.
  await clients.run('sysctl', ['-qw', 'net.ipv4.tcp_fin_timeout=1'])
  const folder = new ManifestFolder(t)
  folder.write(
    makeServiceManifest('hung', { clusterIP: address.hung, port: 80 }),
    makeSliceManifest('hung', [hung[pod]], HUNG_POD_PORT),
    makeServiceManifest('other', { clusterIP: address.other, port: 80 }),
    makeSliceManifest('other', [server[pod]], 8080),
    makeServiceManifest('dns', { clusterIP: address.dns, port: 53, protocol: 'UDP' }),
    makeSliceManifest('dns', [server[pod]], 5353, 'UDP'),
  )
  const flags = ['--data-plane-workers=1', `--fast-path=${fastPath}`]
  const { log } = startWithFewFiles(network, folder, FILE_LIMIT, ...flags)
  await log.waitFor(new RegExp(`Synced rules" family="${family}"`))
  return { network, clients }
}

// They wait for keep-alives most of the time.
t.jobs = 3

for (const [family, fastPath] of [
  ['IPv4', 'auto'],
  ['IPv4', 'off'],
  // The public path looks into the list of IPv6 connections.
  ['IPv6', 'off'],
] as const) {
  t.test(
    `clients that leave a Pod which never closes take nothing from other Services, and their connections end (${family}, fast path ${fastPath})`,
    { skip: namespacesUnavailable, buffered: true },
    async t => {
      const { hung, other, dns } = ADDRESSES[family]
      const { network, clients } = await setUp(t, family, fastPath)
      const [tcpClient, udpClient] = [new NetworkClient(network, clients), new NetworkClient(network, clients)]
      t.equal(await tcpClient.tcp(other, 80), 'other')
      await once(network.start(clients, process.execPath, ['-e', IMPATIENT_CLIENTS, hung]).stdout!, 'data')
      await waitUntil(
        async () => (await countConnections(network, family)) > CLIENTS / 3,
        'the clients are connected to the Pod',
      )
      const answers = { tcp: new Set<string>(), udp: new Set<string>() }
      await waitUntil(async () => {
        answers.tcp.add(await tcpClient.tcp(other, 80))
        answers.udp.add((await udpClient.udp(dns, 53)).answer)
        return (await countConnections(network, family)) === 0
      }, 'all connections to the Pod have ended')
      t.strictSame([...answers.tcp], ['other'])
      t.strictSame([...answers.udp], ['other 5'])
    },
  )
}
