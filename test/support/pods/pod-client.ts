/** Entry of a client's process in the tests: reads one JSON command per line, writes one JSON result per line. */
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'

interface RequestCommand {
  readonly protocol: 'tcp' | 'udp'
  readonly ip: string
  readonly port: number
  readonly bytes?: number
  readonly connected?: boolean
  readonly limitMs: number
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as RequestCommand
  process.stdout.write(
    `${JSON.stringify(await (command.protocol === 'tcp' ? requestTcp(command) : requestUdp(command)))}\n`,
  )
}

function requestTcp({ ip, port, limitMs }: RequestCommand): Promise<object> {
  return new Promise(resolve => {
    let text = ''
    const socket = connect({ host: ip, port, allowHalfOpen: true })
    const timer = setTimeout(() => socket.destroy(Object.assign(new Error(), { code: 'no answer' })), limitMs)
    socket.on('data', chunk => (text += String(chunk)))
    socket.on('error', (error: NodeJS.ErrnoException) => (text = error.code!))
    socket.on('close', () => {
      clearTimeout(timer)
      resolve({ answer: text })
    })
    socket.end()
  })
}

function requestUdp({ ip, port, bytes, connected, limitMs }: RequestCommand): Promise<object> {
  return new Promise(resolve => {
    const socket = createSocket(ip.includes(':') ? 'udp6' : 'udp4')
    const done = (result: object): void => {
      clearTimeout(timer)
      socket.close()
      resolve(result)
    }
    const timer = setTimeout(() => done({ answer: 'no answer' }), limitMs)
    const datagram = Buffer.alloc(bytes!, 'x')
    socket.on('message', (answer, from) => done({ answer: String(answer), from: `${from.address}:${from.port}` }))
    socket.on('error', (error: NodeJS.ErrnoException) => done({ answer: error.code }))
    if (connected === true) socket.connect(port, ip, () => socket.send(datagram))
    else socket.send(datagram, port, ip)
  })
}
