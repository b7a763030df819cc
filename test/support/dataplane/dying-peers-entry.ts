/**
 * Entry: `dying-peers-entry.js WAY POD`, for the network namespace of a node. In the namespace POD, four peers connect to a data plane
 * of the node, or accept from it, and send more than the other side, which does not read, lets the proxy pass on. Two of them finish
 * sending. Then all of them die: POD loses its network. When the kernel has dropped their connections and sweeps have passed, the other
 * sides read. Prints what they got.
 *
 * In the WAY `late list`, the proxy cannot read the kernel's list before the peers have died. In the WAY `unread`, two peers send what the
 * proxy can pass on, although the other side has no room for all of it, and do not finish. The other sides read when the proxy has ended
 * the connections.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { type Socket, connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { InProcessDataPlane } from '../../../lib/dataplane/in-process.js'
import { ReadBuffers } from '../../../lib/dataplane/transport/read-buffers.js'
import { TcpHandleTransport } from '../../../lib/dataplane/transport/tcp-handle-transport.js'
import { TcpTable } from '../../../lib/dataplane/transport/tcp-table.js'
import { CountingClock } from '../clock/counting-clock.js'
import { defaultPlaneOptions, makeListenerPlan, makeListenerSpec, waitUntil } from './plane-under-test.js'

const NODE_ADDRESS = '10.244.0.1'
const POD_ADDRESS = '10.244.0.2'
const PEER = fileURLToPath(new URL('../pods/sending-peer-entry.js', import.meta.url))
const PIECE = 64 * 1024
/** Of the way `unread`: shorter than keep-alives need. */
const HALF_CLOSED_MS = 2000
/** Longer than a kernel delays an acknowledgement. */
const ACKNOWLEDGED_MS = 500
const CASES = [
  { name: 'client', side: 'client', finishes: false },
  { name: 'client that finished', side: 'client', finishes: true },
  { name: 'endpoint', side: 'endpoint', finishes: false },
  { name: 'endpoint that finished', side: 'endpoint', finishes: true },
] as const
type Case = (typeof CASES)[number]

/** What one of the other sides got. */
export interface Outcome {
  readonly name: string
  readonly finishes: boolean
  readonly sent: number
  readonly received: number
  readonly end: string
  /** Whether the kernel of this side had dropped the connection before it read, as it does after a reset. */
  readonly wasDropped: boolean
}

/** Whether the peers have died. */
let areDead = false

/** Reads a list of the kernel, but not before the peers have died. */
function readLate(file: string): Promise<string | undefined> {
  return areDead ? readFile(file, 'latin1') : Promise.resolve(undefined)
}

const [way, podNamespace] = process.argv.slice(2) as ['list' | 'late list' | 'unread', string]
const cases = way === 'unread' ? CASES.filter(({ finishes }) => !finishes) : CASES
const clock = new CountingClock()
const plane = new InProcessDataPlane({
  ...defaultPlaneOptions,
  clock,
  timings: {
    ...defaultPlaneOptions.timings,
    keepAliveIdle: 1000,
    ...(way === 'unread' ? { halfClosedTimeout: HALF_CLOSED_MS } : {}),
  },
  transport: new TcpHandleTransport(new ReadBuffers(), way === 'late list' ? new TcpTable(readLate) : new TcpTable()),
})
const peers = spawn('ip', ['netns', 'exec', podNamespace, process.execPath, PEER], {
  stdio: ['pipe', 'pipe', 'inherit'],
})
const lines = createInterface({ input: peers.stdout })[Symbol.asyncIterator]()

/** Makes a peer do something. @returns what it prints */
async function command(...words: readonly (string | number)[]): Promise<string> {
  peers.stdin.write(`${words.join(' ')}\n`)
  return (await lines.next()).value as string
}

/** The kernel's list: of each connection the number, both ends, the state, and the queues. */
function readList(): string[][] {
  const entries = readFileSync('/proc/net/tcp', 'latin1').split('\n').slice(1)
  return entries.map(line => line.trim().split(/ +/))
}

/** The states of connections to the Pod. */
function statesOfPeers(): string[] {
  const podInHex = '0200F40A'
  return readList().flatMap(([, , remote, state]) => (remote?.startsWith(podInHex) ? [state!] : []))
}

/** The entry of one end of a connection within this namespace. */
function findEntry(localPort: number, remotePort: number): string[] | undefined {
  const [own, other] = [localPort, remotePort].map(port => `:${port.toString(16).toUpperCase().padStart(4, '0')}`)
  return readList().find(([, local, remote]) => local?.endsWith(own!) && remote?.endsWith(other!))
}

/** Whether this side has not acknowledged all bytes that the proxy has sent to it. */
function lacksRoom({ localPort, remotePort }: Socket): boolean {
  const [unacknowledged] = findEntry(remotePort!, localPort!)![4]!.split(':')
  return parseInt(unacknowledged!, 16) > 0
}

/** Opens the connection of a case. @returns the side that does not read */
async function open(index: number, { side, name }: Case): Promise<Socket> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
  const accepted = once(server, 'connection')
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const local = { ip: '127.0.0.1', port: (server.address() as { port: number }).port }
  const endpoint = side === 'client' ? local : { ip: POD_ADDRESS, port: Number(await command('listen', index)) }
  specs.push(makeListenerSpec({ key: keyOf(index), service: name, address: NODE_ADDRESS, endpoints: [endpoint] }))
  const { open: ports, failed } = await plane.apply(makeListenerPlan(...specs))
  for (const failure of failed.values()) throw failure
  const port = ports.get(keyOf(index))!
  if (side === 'client') {
    await command('connect', index, NODE_ADDRESS, port)
    const [socket] = (await accepted) as [Socket]
    server.close()
    return socket
  }
  server.close()
  return connect({ host: NODE_ADDRESS, port, allowHalfOpen: true })
}

function keyOf(index: number): 'IPv4/default/web/TCP' {
  return `IPv4/default/web${index}/TCP` as 'IPv4/default/web/TCP'
}

/** Sends until the other side holds the proxy back, but not the sender. @returns how many bytes */
async function sendUntilHeld(index: number): Promise<number> {
  for (let sent = PIECE; ; sent += PIECE) {
    await command('send', index, PIECE)
    await delay(10)
    const { traffic } = plane.counts().listeners.find(({ key }) => key === keyOf(index))!
    if (traffic.bytesToClient + traffic.bytesToEndpoint < sent) return sent
  }
}

/** Sends until the other side has no room for all of it, which the proxy's kernel then keeps. @returns how many bytes */
async function sendUntilUnacknowledged(index: number): Promise<number> {
  for (let sent = PIECE; ; sent += PIECE) {
    await command('send', index, PIECE)
    await delay(10)
    if (!lacksRoom(receivers[index]!)) continue
    await delay(ACKNOWLEDGED_MS)
    if (lacksRoom(receivers[index]!)) return sent
  }
}

/** Reads to the end. */
async function readAll(socket: Socket): Promise<Pick<Outcome, 'received' | 'end' | 'wasDropped'>> {
  const wasDropped = findEntry(socket.localPort!, socket.remotePort!) === undefined
  let received = 0
  let end = 'closed'
  socket.on('data', (data: Buffer) => (received += data.length))
  socket.on('end', () => {
    end = 'end'
    socket.destroy()
  })
  socket.on('error', (error: NodeJS.ErrnoException) => (end = error.code!))
  await new Promise<void>(resolve => socket.on('close', () => resolve()).resume())
  return { received, end, wasDropped }
}

const specs: ReturnType<typeof makeListenerSpec>[] = []
const receivers: Socket[] = []
for (const [index, entry] of cases.entries()) receivers.push(await open(index, entry))
const sent: number[] = []
for (const index of cases.keys())
  sent.push(await (way === 'unread' ? sendUntilUnacknowledged(index) : sendUntilHeld(index)))
const finishing = [...cases.entries()].filter(([, { finishes }]) => finishes)
for (const [index] of finishing) await command('finish', index)
await waitUntil(
  () => statesOfPeers().filter(state => state === '08').length === finishing.length,
  'peers have finished',
)
await once(spawn('ip', ['-n', podNamespace, 'link', 'set', 'eth0', 'down'], { stdio: 'inherit' }), 'exit')
await waitUntil(() => statesOfPeers().length === 0, 'the kernel has dropped all connections')
areDead = true
const sweeps = clock.count
await waitUntil(() => clock.count > sweeps + 15, 'sweeps have passed')
const areClosed = (): boolean => plane.counts().descriptors.used === cases.length
if (way === 'unread') await waitUntil(areClosed, 'the proxy has ended the connections')
const results = await Promise.all(receivers.map(readAll))
const outcomes: Outcome[] = cases.map(({ name, finishes }, index) => ({
  ...{ name, finishes, sent: sent[index]! },
  ...results[index]!,
}))
await waitUntil(areClosed, 'the sockets are closed')
process.stdout.write(JSON.stringify(outcomes))
peers.kill('SIGKILL')
await plane.drain(0)
