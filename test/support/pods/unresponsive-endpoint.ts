import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Socket, connect } from 'node:net'
import type { Test } from 'tap'

const LISTENER_SOURCE = `
const server = require('net').createServer(socket => socket.on('error', () => undefined))
server.listen({ port: 0, host: process.argv[1], backlog: 32 }, () => process.stdout.write(server.address().port + '\\n'))
setTimeout(() => process.exit(), 900_000)
`

/**
 * An endpoint that does not answer: a stopped process whose listen queue is full, so that the
 * kernel drops every further SYN, as if the node or its network had failed. `wake` makes it accept connections.
 */
export async function unresponsiveEndpoint(
  t: Test,
  ip = '127.0.0.1',
): Promise<{ ip: string; port: number; wake: () => void }> {
  const args = ['-e', LISTENER_SOURCE, ip]
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [line] = (await once(child.stdout!, 'data')) as [Buffer]
  const port = Number(line.toString())
  child.kill('SIGSTOP')
  const fillers: Socket[] = []
  t.teardown(() => fillers.forEach(socket => socket.destroy()))
  // The queue accepts one connection more than its length. It is full when the next attempts do not connect.
  for (let filled = true; filled;) {
    const socket = connect(port, ip).on('error', () => undefined)
    fillers.push(socket)
    await Promise.race([once(socket, 'connect'), new Promise(resolve => setTimeout(resolve, 300))])
    // On a busy machine the timer may fire before the event of a connection that exists already.
    for (let turn = 0; turn < 3; turn++) await new Promise(resolve => setImmediate(resolve))
    filled = !socket.connecting
  }
  return { ip, port, wake: () => void child.kill('SIGCONT') }
}
