import t from 'tap'
import { UpstreamSockets } from '../../../lib/dataplane/transport/upstream-sockets.js'

const local = { ip: '192.168.50.1', port: 40_000 }
const listener = { ip: '192.168.50.1', port: 41_777 }
const pod = { ip: '10.244.0.5', port: 8080 }

t.test('a socket of this proxy that connects to its entry listener is recognised until it is closed', t => {
  const sockets = new UpstreamSockets('both-ends')
  t.notOk(sockets.has(local, listener))
  const entry = sockets.add(local, listener)
  t.ok(sockets.has(local, listener))
  sockets.delete(entry)
  t.notOk(sockets.has(local, listener))
  t.end()
})

t.test('a client with the same local port as a socket of this proxy, but another destination, is not recognised', t => {
  const sockets = new UpstreamSockets('both-ends')
  sockets.add(local, pod)
  t.notOk(sockets.has(local, listener))
  sockets.delete(sockets.add(local, { ...pod, port: 8081 }))
  t.ok(sockets.has(local, pod), 'each socket is deleted by itself')
  t.end()
})

t.test('a UDP socket is recognised by its local end, wherever rules lead it', t => {
  const sockets = new UpstreamSockets('local-end')
  const key = sockets.add({ ip: '192.0.2.1', port: 40_000 }, { ip: '192.0.2.1', port: 30_080 })
  t.ok(sockets.has({ ip: '192.0.2.1', port: 40_000 }, { ip: '192.0.2.1', port: 50_000 }))
  t.notOk(sockets.has({ ip: '192.0.2.1', port: 40_001 }, { ip: '192.0.2.1', port: 30_080 }))
  sockets.delete(key)
  t.notOk(sockets.has({ ip: '192.0.2.1', port: 40_000 }, { ip: '192.0.2.1', port: 50_000 }))
  t.end()
})
