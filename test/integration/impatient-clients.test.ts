import { once } from 'node:events'
import t, { type Test } from 'tap'
import { ManifestFolder, makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { startWithFewFiles } from '../support/processes/start-with-few-files.js'

const HUNG = { clusterIP: '10.96.0.10', port: 80 }
const OTHER = { clusterIP: '10.96.0.11', port: 80 }
const DNS = { clusterIP: '10.96.0.53', port: 53, protocol: 'UDP' } as const
const HUNG_POD_PORT = 9000

/** Processes of the proxy may open this many files. */
const FILE_LIMIT = 400
const CLIENTS = 150

/** Reads, and never closes a connection. */
const HUNG_POD = `
require('net').createServer({ allowHalfOpen: true }, socket => socket.resume().on('error', () => undefined))
  .listen(${HUNG_POD_PORT}, () => process.stdout.write('ready'))
`

/** Connects, sends a line and closes, without waiting for an answer. */
const IMPATIENT_CLIENTS = `
let open = ${CLIENTS}
for (let n = 0; n < ${CLIENTS}; n++) {
  const socket = require('net').connect(${HUNG.port}, '${HUNG.clusterIP}')
  socket.on('error', () => undefined).on('close', () => --open || process.stdout.write('closed'))
  socket.end('line', () => socket.destroy())
}
`

/** How many connections to the hung Pod belong to a process of the node. The kernel's own, of closed sockets, have no inode. */
async function countConnections({ node }: NodeNetwork): Promise<number> {
  const { stdout } = await node.run('cat', ['/proc/net/tcp'])
  const remote = `:${HUNG_POD_PORT.toString(16).toUpperCase().padStart(4, '0')}`
  return stdout
    .split('\n')
    .map(line => line.trim().split(/ +/))
    .filter(([, , to, , , , , , , inode]) => to?.endsWith(remote) === true && inode !== '0').length
}

async function setUp(t: Test, fastPath: string) {
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
    makeServiceManifest('hung', HUNG),
    makeSliceManifest('hung', [hung.ip], HUNG_POD_PORT),
    makeServiceManifest('other', OTHER),
    makeSliceManifest('other', [server.ip], 8080),
    makeServiceManifest('dns', DNS),
    makeSliceManifest('dns', [server.ip], 5353, 'UDP'),
  )
  const flags = ['--data-plane-workers=1', `--fast-path=${fastPath}`]
  const { log } = startWithFewFiles(network, folder, FILE_LIMIT, ...flags)
  await log.waitFor(/Synced rules" family="IPv4"/)
  return { network, clients }
}

// Both wait for keep-alives most of the time.
t.jobs = 2

for (const fastPath of ['auto', 'off']) {
  t.test(
    `clients that leave a Pod which never closes take nothing from other Services, and their connections end (fast path ${fastPath})`,
    { skip: namespacesUnavailable, buffered: true },
    async t => {
      const { network, clients } = await setUp(t, fastPath)
      const [tcpClient, udpClient] = [new NetworkClient(network, clients), new NetworkClient(network, clients)]
      t.equal(await tcpClient.tcp(OTHER.clusterIP, OTHER.port), 'other')
      await once(network.start(clients, process.execPath, ['-e', IMPATIENT_CLIENTS]).stdout!, 'data')
      await waitUntil(
        async () => (await countConnections(network)) > CLIENTS / 3,
        'the clients are connected to the Pod',
      )
      const answers = { tcp: new Set<string>(), udp: new Set<string>() }
      await waitUntil(async () => {
        answers.tcp.add(await tcpClient.tcp(OTHER.clusterIP, OTHER.port))
        answers.udp.add((await udpClient.udp(DNS.clusterIP, DNS.port)).answer)
        return (await countConnections(network)) === 0
      }, 'all connections to the Pod have ended')
      t.strictSame([...answers.tcp], ['other'])
      t.strictSame([...answers.udp], ['other 5'])
    },
  )
}
