import { once } from 'node:events'
import { type Socket, connect } from 'node:net'
import { type Test } from 'tap'
import { AVOID_NONE } from '../../../lib/balancer/balancer.js'
import { DialQueue } from '../../../lib/dataplane/limits/dial-budget.js'
import { type PendingDial, DialBurst } from '../../../lib/dataplane/limits/dial-burst.js'
import { ListenerClients } from '../../../lib/dataplane/listener-clients.js'
import { type ListenerContext } from '../../../lib/dataplane/listener-context.js'
import { TcpConnection, type TcpConnectionOwner } from '../../../lib/dataplane/tcp/tcp-connection.js'
import { type TcpSocket, type TcpTransport } from '../../../lib/dataplane/transport/tcp-transport.js'
import { makeListenerContext } from '../../support/dataplane/make-listener-context.js'
import { makeListenerSpec, waitUntil } from '../../support/dataplane/plane-under-test.js'
import { testBothTransports } from '../../support/dataplane/test-both-tcp-transports.js'
import { TcpPod } from '../../support/pods/tcp-pod.js'

const IGNORED_DIAL: PendingDial = {
  client: '127.0.0.1',
  onTurn: () => undefined,
  giveUpPlace: () => undefined,
  start: () => undefined,
}

/** Connects a client. */
async function acceptClient(t: Test, transport: TcpTransport): Promise<{ client: Socket; accepted: TcpSocket }> {
  let client: Socket | undefined
  const accepted = await new Promise<TcpSocket>((resolve, reject) => {
    const options = { address: '127.0.0.1', port: 0, backlog: 8, keepAliveMs: 1000 }
    void transport.listen({ ...options, onClient: resolve, onError: reject }).then(server => {
      t.teardown(() => server.close())
      client = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => undefined)
      t.teardown(() => client!.destroy())
    }, reject)
  })
  return { client: client!, accepted }
}

const SERVICE = 'default/web'

/** Makes the queue of a listener. */
function makeQueue({ tcpShares }: ListenerContext): DialQueue {
  const connections = tcpShares.of(SERVICE)
  const queue = new DialQueue(connections.descriptors)
  connections.addQueue(queue)
  return queue
}

/** Makes the connection of a client to the Pod, which has not started yet. */
function makeConnection(
  accepted: TcpSocket,
  pod: TcpPod,
  queue: DialQueue,
  context: ListenerContext,
  owner: Partial<TcpConnectionOwner>,
): TcpConnection {
  context.descriptorBudget.countExisting(queue.share)
  const clients = new ListenerClients(makeListenerSpec({ endpoints: [pod.endpoint] }), context)
  const lease = clients.admit('127.0.0.1', { ip: '127.0.0.1', port: 1 }, 2)!
  const nothing = (): void => undefined
  const all = { onConnect: nothing, onRetry: nothing, onRefused: nothing, onReset: nothing, onEnd: nothing, ...owner }
  return new TcpConnection(accepted, 1, lease, queue, context, all)
}

testBothTransports(
  'a client that leaves while its dial waits in a burst leaves nothing behind',
  async (t, transport) => {
    let endTurn: () => void = () => undefined
    const dialBurst = new DialBurst(callback => (endTurn = callback))
    const context = makeListenerContext(transport, { dialBurst })
    const { descriptorBudget, dialBudget } = context
    const { accepted } = await acceptClient(t, transport)
    const pod = await TcpPod.startNamed(t, 'pod')

    // Another dial came just before, so the dial of this client waits.
    dialBurst.add(IGNORED_DIAL)
    const { lease } = await new Promise<TcpConnection>(resolve => {
      const onRefused = (): void => void t.fail('it is not refused')
      const connection = makeConnection(accepted, pod, makeQueue(context), context, { onRefused, onEnd: resolve })
      connection.start()
      t.match(dialBudget.counts(), { used: 1 })
      connection.reset()
    })
    t.match(dialBudget.counts(), { used: 0 })
    t.match(descriptorBudget.counts(), { used: 0 })
    endTurn()
    endTurn()
    t.match(dialBudget.counts(), { used: 0 })
    // A dial would have opened a socket, and counted its endpoint as used.
    t.equal(lease.pick(AVOID_NONE)?.open, 1, 'nor did the dial pick an endpoint')
  },
)

testBothTransports(
  'a client that waits for a dial and gives its place to another Service counts as refused for lack of a descriptor',
  async (t, transport) => {
    const context = makeListenerContext(transport)
    const { dialBudget, descriptorBudget, tcpShares } = context
    const { accepted } = await acceptClient(t, transport)
    const pod = await TcpPod.startNamed(t, 'pod')
    const queue = makeQueue(context)
    let hasDial = true
    while (hasDial) hasDial = dialBudget.tryStart(queue)

    await new Promise<TcpConnection>(resolve => {
      makeConnection(accepted, pod, queue, context, { onEnd: resolve }).start()
      t.match(dialBudget.counts(), { waited: 1 })
      t.equal(tcpShares.of(SERVICE).giveUpOne(0), 'place')
    })
    t.match(dialBudget.counts(), { shed: 0 })
    t.match(descriptorBudget.counts(), { shed: 1 })
  },
)

const ABORTS: readonly (readonly [string, (connection: TcpConnection, halfClosedTimeout: number) => void])[] = [
  ['this program aborts', connection => connection.reset()],
  [
    'is half-closed and silent for too long',
    (connection, halfClosedTimeout) => connection.checkPeers({ unpolledMs: 0, quietMs: halfClosedTimeout }),
  ],
]
for (const [which, abort] of ABORTS)
  testBothTransports(`a connection that ${which} cannot give way to another client any more`, async (t, transport) => {
    const context = makeListenerContext(transport)
    const { heldBackConnections, timings } = context
    const { client, accepted } = await acceptClient(t, transport)
    client.pause().end()
    const pod = await TcpPod.start(t, socket => void socket.write(Buffer.alloc(32 * 1024 * 1024)))
    let resets = 0
    let hasEnded = false
    const owner = { onReset: () => void resets++, onEnd: () => void (hasEnded = true) }
    const connection = makeConnection(accepted, pod, makeQueue(context), context, owner)
    connection.start()
    await waitUntil(() => pod.sockets.length === 1, 'the endpoint has accepted')
    await once(pod.sockets[0]!.resume(), 'end')
    await waitUntil(() => {
      connection.checkPeers({ unpolledMs: 0, quietMs: 0 })
      return heldBackConnections.size === 1
    }, 'the endpoint is held back')

    abort(connection, timings.halfClosedTimeout)
    // Perhaps before its sockets are closed.
    t.equal(heldBackConnections.size, 0, 'among those that are held back')
    t.equal(resets, 1, 'among those of its Service')
    await waitUntil(() => hasEnded, 'the connection has ended')
  })
