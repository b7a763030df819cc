import t from 'tap'
import { UpstreamSockets } from '../../../lib/dataplane/transport/upstream-sockets.js'

const local = { ip: '192.168.50.1', port: 40_000 }
const listener = { ip: '192.168.50.1', port: 41_777 }
const pod = { ip: '10.244.0.5', port: 8080 }

t.test('a socket of ours that comes to a listener of ours is known, until it is closed', t => {
  const sockets = new UpstreamSockets()
  t.notOk(sockets.has(local, listener))
  const own = sockets.add(local, listener)
  t.ok(sockets.has(local, listener))
  sockets.delete(own)
  t.notOk(sockets.has(local, listener))
  t.end()
})

t.test('a client that the kernel gave the port of a socket of ours, towards somewhere else, is a client', t => {
  const sockets = new UpstreamSockets()
  sockets.add(local, pod)
  t.notOk(sockets.has(local, listener))
  sockets.delete(sockets.add(local, { ...pod, port: 8081 }))
  t.ok(sockets.has(local, pod), 'and each is forgotten by itself')
  t.end()
})
