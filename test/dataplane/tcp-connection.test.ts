import { connect } from 'node:net'
import { DialLine } from '../../lib/dataplane/dial-budget.js'
import { DialBurst } from '../../lib/dataplane/dial-burst.js'
import { TcpConnection } from '../../lib/dataplane/tcp-connection.js'
import { type TcpSocket } from '../../lib/dataplane/tcp-transport.js'
import { listenerContext } from '../support/listener-context.js'
import { testBothWays } from '../support/tcp-ways.js'

testBothWays(
  'a client that goes while it waits for others to be dialled with leaves nothing behind',
  async (t, transport) => {
    let endTurn: () => void = () => undefined
    const dialBurst = new DialBurst(go => (endTurn = go))
    const context = listenerContext(transport, { dialBurst })
    const { descriptors, dials } = context
    const accepted = new Promise<TcpSocket>((resolve, reject) => {
      const options = { bound: undefined, address: '127.0.0.1', port: 0, backlog: 8, keepAliveMs: 1000 }
      void transport.listen({ ...options, onClient: resolve, onError: reject }).then(door => {
        t.teardown(() => door.close())
        const client = connect(door.port, '127.0.0.1').on('error', () => undefined)
        t.teardown(() => client.destroy())
      }, reject)
    })
    const socket = await accepted
    descriptors.note()

    // Somebody came just before, so this one waits.
    dialBurst.add({ dial: () => undefined })
    const line = new DialLine()
    let chosen = 0
    const done = new Promise<void>(resolve => {
      const connection = new TcpConnection(socket, '127.0.0.1', context, line, {
        choose: () => void chosen++,
        onDialFailure: () => undefined,
        onConnected: () => undefined,
        onRefused: () => undefined,
        onDone: () => resolve(),
      })
      connection.start()
      t.match(dials.counts(), { used: 1 })
      connection.reset()
    })
    await done
    t.match(dials.counts(), { used: 0 })
    t.match(descriptors.counts(), { used: 0 })
    endTurn()
    endTurn()
    t.equal(chosen, 0, 'nor is it dialled')
  },
)
