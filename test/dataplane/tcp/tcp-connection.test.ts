import { connect } from 'node:net'
import { DialQueue } from '../../../lib/dataplane/limits/dial-budget.js'
import { type PendingDial, DialBurst } from '../../../lib/dataplane/limits/dial-burst.js'
import { ListenerClients } from '../../../lib/dataplane/listener-clients.js'
import { TcpConnection } from '../../../lib/dataplane/tcp/tcp-connection.js'
import { type TcpSocket } from '../../../lib/dataplane/transport/tcp-transport.js'
import { makeListenerContext } from '../../support/dataplane/make-listener-context.js'
import { makeListenerSpec } from '../../support/dataplane/plane-under-test.js'
import { testBothTransports } from '../../support/dataplane/test-both-tcp-transports.js'
import { TcpPod } from '../../support/pods/tcp-pod.js'

const IGNORED_DIAL: PendingDial = {
  client: '127.0.0.1',
  onTurn: () => undefined,
  giveUpPlace: () => undefined,
  start: () => undefined,
}

testBothTransports(
  'a client that leaves while its dial waits in a burst leaves nothing behind',
  async (t, transport) => {
    let endTurn: () => void = () => undefined
    const dialBurst = new DialBurst(callback => (endTurn = callback))
    const context = makeListenerContext(transport, { dialBurst })
    const { descriptorBudget, dialBudget } = context
    const accepted = new Promise<TcpSocket>((resolve, reject) => {
      const options = { address: '127.0.0.1', port: 0, backlog: 8, keepAliveMs: 1000 }
      void transport.listen({ ...options, onClient: resolve, onError: reject }).then(server => {
        t.teardown(() => server.close())
        const client = connect(server.port, '127.0.0.1').on('error', () => undefined)
        t.teardown(() => client.destroy())
      }, reject)
    })
    const socket = await accepted
    const queue = new DialQueue(context.tcpShares.of('default/web').descriptors)
    descriptorBudget.countExisting(queue.share)
    const pod = await TcpPod.startNamed(t, 'pod')
    const clients = new ListenerClients(makeListenerSpec({ endpoints: [pod.endpoint] }), context)
    const lease = clients.admit('127.0.0.1', { ip: '127.0.0.1', port: 1 }, 2)!

    // Another dial came just before, so the dial of this client waits.
    dialBurst.add(IGNORED_DIAL)
    await new Promise<void>(resolve => {
      const owner = {
        onConnect: () => undefined,
        onRefused: () => t.fail('it is not refused'),
        onReset: () => undefined,
        onEnd: () => resolve(),
      }
      const connection = new TcpConnection(socket, lease, queue, context, owner)
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
    t.equal(lease.pick(new Set())?.open, 1, 'nor did the dial pick an endpoint')
  },
)
