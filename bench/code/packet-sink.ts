/** The part of `rules.ts` that runs on the node: accepts connections, and has a UDP port without reading its packets. */
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

const [protocol, port] = [process.argv[2], Number(process.argv[3])]
const ready = (): boolean => process.stdout.write('ready\n')
if (protocol === 'UDP') createSocket({ type: 'udp4', recvBufferSize: 4096 }).bind(port, ready)
else createServer(socket => socket.on('error', () => undefined).resume()).listen({ port, backlog: 4096 }, ready)
