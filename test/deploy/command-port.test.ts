import { once } from 'node:events'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'
import t, { type Test } from 'tap'
import { CommandPort } from '../support/image/arm64-machine/command-port.js'

const LIMIT_MS = 60_000

/** The port, and the end of the machine. */
async function openPort(t: Test): Promise<{ readonly port: CommandPort; readonly machine: Socket }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const connected = once(server, 'connection')
  const machine = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [socket] = (await connected) as [Socket]
  t.teardown(() => {
    machine.destroy()
    socket.destroy()
    server.close()
  })
  return { port: new CommandPort(socket, new Promise(() => undefined)), machine }
}

t.test('a command is sent in one line, and its exit code and output come back', async t => {
  const { port, machine } = await openPort(t)
  machine.write('ready\n')
  await port.waitUntilReady(LIMIT_MS)
  const answer = port.exec('echo a\necho b', LIMIT_MS)
  const [line] = (await once(machine, 'data')) as [Buffer]
  t.equal(Buffer.from(String(line), 'base64').toString(), 'echo a\necho b')
  machine.write(`3 ${Buffer.from('a\nb\n').toString('base64')}\n`)
  t.strictSame(await answer, { exitCode: 3, output: 'a\nb\n' })
})

t.test('a command that does not end in time is named', async t => {
  const { port } = await openPort(t)
  await t.rejects(port.exec('sleep infinity', 20), { message: /did not end: sleep infinity: within 0\.02 s/ })
})

t.test('a machine that does not start in time is reported', async t => {
  const { port } = await openPort(t)
  await t.rejects(port.waitUntilReady(20), { message: /was not ready within 0\.02 s/ })
})
