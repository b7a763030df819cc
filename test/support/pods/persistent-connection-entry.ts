/**
 * Entry of a client with one connection: `persistent-connection-entry.js IP PORT`. It sends each line of its standard input to
 * the server and prints what it receives; `reset` resets the
 * connection. At the end it prints how the connection ended.
 */
import { connect } from 'node:net'
import { createInterface } from 'node:readline'

const [ip, port] = process.argv.slice(2) as [string, string]
const socket = connect({ host: ip, port: Number(port) })
socket.on('data', chunk => process.stdout.write(chunk))
socket.on('error', (error: NodeJS.ErrnoException) => process.stdout.write(`${error.code}\n`))
socket.on('close', () => {
  process.stdout.write('closed\n')
  process.exit()
})
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'reset') socket.resetAndDestroy()
  else socket.write(`${line}\n`)
}
socket.end()
