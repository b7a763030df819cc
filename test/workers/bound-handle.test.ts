import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import t from 'tap'
import { bindHandle, canBindHandles, probePort } from '../../lib/workers/bound-handle.js'
import { readAnswer } from '../support/pods/tcp-pod.js'

const codeOf = (action: () => unknown): string | undefined => {
  try {
    action()
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

t.test('this Node.js can bind without listening', t => {
  t.equal(canBindHandles(), true)
  t.end()
})

t.test('a bound TCP port refuses clients until a server listens on the handle', async t => {
  const { port, handle, close } = bindHandle({ protocol: 'TCP', address: '127.0.0.1', port: 0 })
  t.equal(await readAnswer(port), 'ECONNREFUSED')
  const server = createServer(socket => socket.end('served')).listen({ _handle: handle })
  await once(server, 'listening')
  t.equal(await readAnswer(port), 'served')
  server.close()
  close()
})

t.test('a port in use and a foreign address fail with the code of the system', async t => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const tcp = { protocol: 'TCP', address: '127.0.0.1', port: (server.address() as { port: number }).port } as const
  t.equal(
    codeOf(() => bindHandle(tcp)),
    'EADDRINUSE',
  )
  t.equal(
    codeOf(() => probePort(tcp)),
    'EADDRINUSE',
  )
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  t.equal(
    codeOf(() => bindHandle({ protocol: 'UDP', address: '127.0.0.1', port: socket.address().port })),
    'EADDRINUSE',
  )
  for (const protocol of ['TCP', 'UDP'] as const)
    t.equal(
      codeOf(() => bindHandle({ protocol, address: '192.0.2.1', port: 0 })),
      'EADDRNOTAVAIL',
    )
})

t.test('a probe leaves the port free', t => {
  for (const protocol of ['TCP', 'UDP'] as const) {
    const port = probePort({ protocol, address: '127.0.0.1', port: 0 })
    t.equal(probePort({ protocol, address: '127.0.0.1', port }), port)
  }
  t.end()
})

t.test('a handle for the IPv6 wildcard address does not bind IPv4', t => {
  for (const protocol of ['TCP', 'UDP'] as const) {
    const six = bindHandle({ protocol, address: '::', port: 0 })
    const four = bindHandle({ protocol, address: '0.0.0.0', port: six.port })
    t.equal(four.port, six.port)
    six.close()
    four.close()
  }
  t.end()
})
