import { connect } from 'node:net'
import { DialQueue } from '../../../lib/dataplane/limits/dial-budget.js'
import { DialBurst } from '../../../lib/dataplane/limits/dial-burst.js'
import { TcpConnection } from '../../../lib/dataplane/tcp/tcp-connection.js'
import { type TcpSocket } from '../../../lib/dataplane/transport/tcp-transport.js'
import { makeListenerContext } from '../../support/dataplane/make-listener-context.js'
import { testBothTransports } from '../../support/dataplane/test-both-tcp-transports.js'

testBothTransports(
  'a client that goes while it waits for others to be dialled with leaves nothing behind',
  async (t, transport) => {
    let endTurn: () => void = () => undefined
    const dialBurst = new DialBurst(go => (endTurn = go))
    const context = makeListenerContext(transport, { dialBurst })
    const { descriptorBudget, dialBudget } = context
    const accepted = new Promise<TcpSocket>((resolve, reject) => {
      const options = { bound: undefined, address: '127.0.0.1', port: 0, backlog: 8, keepAliveMs: 1000 }
      void transport.listen({ ...options, onClient: resolve, onError: reject }).then(door => {
        t.teardown(() => door.close())
        const client = connect(door.port, '127.0.0.1').on('error', () => undefined)
        t.teardown(() => client.destroy())
      }, reject)
    })
    const socket = await accepted
    descriptorBudget.countExisting()

    // Somebody came just before, so this one waits.
    dialBurst.add({ dial: () => undefined })
    const line = new DialQueue()
    let chosen = 0
    const done = new Promise<void>(resolve => {
      const connection = new TcpConnection(socket, '127.0.0.1', context, line, {
        pick: () => void chosen++,
        onAttemptFailed: () => undefined,
        onConnect: () => undefined,
        onRefused: () => undefined,
        onClose: () => resolve(),
      })
      connection.start()
      t.match(dialBudget.counts(), { used: 1 })
      connection.reset()
    })
    await done
    t.match(dialBudget.counts(), { used: 0 })
    t.match(descriptorBudget.counts(), { used: 0 })
    endTurn()
    endTurn()
    t.equal(chosen, 0, 'nor is it dialled')
  },
)
