import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const PROGRAM = fileURLToPath(new URL('../../lib/demo/client-program.js', import.meta.url))
/** With this number of random ports out of the kernel's 28,232, all are different in one of seventeen cases. */
const REQUESTS = 400

t.test("the demo's client sends each datagram from a new port, so that rules count it as a new flow", async t => {
  const server = createSocket('udp4')
  server.on('message', (_, { address, port }) => server.send(`pod ${port}`, port, address))
  server.bind(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const client = spawn(process.execPath, [PROGRAM, '127.0.0.1', 'cluster.local'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(client, 'exit')
  const lines = createInterface({ input: client.stdout })[Symbol.asyncIterator]()
  t.equal((await lines.next()).value, 'ready')
  const ports = new Set<string>()
  for (let i = 0; i < REQUESTS; i++) {
    client.stdin.write(`${JSON.stringify({ udp: `127.0.0.1:${server.address().port}` })}\n`)
    const { pod, clientIP } = JSON.parse((await lines.next()).value as string) as { pod: string; clientIP: string }
    if (pod === 'pod') ports.add(clientIP)
  }
  t.equal(ports.size, REQUESTS)
  client.stdin.end()
  t.strictSame(await ended, [0, null])
})
