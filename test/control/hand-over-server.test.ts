import { once } from 'node:events'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { type Demand, askServer } from '../../lib/control/ask-server.js'
import { aborted } from '../../lib/primitives/aborted.js'
import { LineConnection } from '../../lib/control/line-connection.js'
import { type Clock } from '../../lib/model/clock.js'
import { ManualClock, settle } from '../support/clock/manual-clock.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { HandOverRig } from './hand-over-rig.js'

const never = new AbortController().signal

/** A proxy that serves, and what a second one gets for a demand. */
async function setUp(t: Test, clock: Clock = new ManualClock()) {
  const rig = new HandOverRig(t)
  const server = rig.start({ clock })
  await aborted(server.turn)
  const ask = (demand: Demand, proof = rig.createProof()) => askServer(rig.address, proof, demand, never)
  const connectLines = (): LineConnection => {
    const connection = LineConnection.to(rig.address, true)
    t.teardown(() => connection.destroy())
    return connection
  }
  return { rig, server, ask, connectLines }
}

async function agreed(answer: ReturnType<typeof askServer>): Promise<LineConnection> {
  const connection = await answer
  if (!(connection instanceof LineConnection)) throw new Error(String(connection))
  return connection
}

t.test('it gives way once', async t => {
  const { server, ask } = await setUp(t)
  const connection = await agreed(ask('take over'))
  t.ok(server.successor.asks.aborted)
  t.equal(await ask('take over'), 'absent', 'the name is free')
  connection.destroy()
})

t.test('a second successor is refused while it gives way to the first', async t => {
  const { server, ask } = await setUp(t)
  let finish = (): void => undefined
  server.successor.giveWay = () => new Promise(resolve => (finish = resolve))
  const first = ask('take over')
  await aborted(server.successor.asks)
  t.equal(await ask('take over'), 'refused')
  finish()
  ;(await agreed(first)).destroy()
})

t.test('without a proof, each demand is refused, and so is one with the proof of another connection', async t => {
  const { rig, server, connectLines } = await setUp(t)
  for (const demand of ['take over', 'stand by', 'wait', '', 'nonsense']) {
    const connection = connectLines()
    t.match(await connection.nextLine(), /^show [0-9a-f]{6}$/)
    connection.send(demand)
    t.equal(await connection.nextLine(), 'refused', demand)
    t.equal(await connection.nextLine(), undefined)
  }
  const [own, other] = [connectLines(), connectLines()]
  const [, otherNonce] = (await other.nextLine())!.split(' ')
  const { hide } = await rig.createProof().show(otherNonce!)
  await own.nextLine()
  own.send('take over')
  t.equal(await own.nextLine(), 'refused')
  await hide()
  t.notOk(server.successor.asks.aborted)
})

t.test('if the proof cannot be read, the demand is refused, and a line says why', async t => {
  const { rig, server, ask } = await setUp(t)
  const { read } = rig.iptables
  rig.iptables.read = () => Promise.reject(new Error('out of order'))
  t.equal(await ask('take over'), 'refused')
  t.equal(server.log.entriesWith('out of order').length, 1)
  rig.iptables.read = read
  ;(await agreed(ask('take over'))).destroy()
})

t.test('many connections without a proof do not keep a successor away', async t => {
  const { ask, connectLines } = await setUp(t)
  const unprovenConnections = Array.from({ length: 100 }, connectLines)
  await Promise.all(unprovenConnections.slice(-32).map(unproven => unproven.nextLine()))
  await unprovenConnections[0]!.closed
  ;(await agreed(ask('take over'))).destroy()
})

t.test('a connection that shows no proof is closed after ten seconds, although it sends', async t => {
  const clock = new ManualClock()
  const { rig } = await setUp(t, clock)
  const socket = connect(rig.address)
  t.teardown(() => socket.destroy())
  await once(socket, 'data')
  await clock.advance(9999)
  const ended = once(socket, 'end')
  socket.write('a part of a line')
  await settle()
  t.notOk(socket.readableEnded)
  clock.advanceSync(1)
  await ended
})

t.test('however many connections ask at once, the rules are read a few times', async t => {
  const { rig, connectLines } = await setUp(t)
  let reads = 0
  const gate = new AbortController()
  const read = rig.iptables.read.bind(rig.iptables)
  rig.iptables.read = async tables => {
    reads++
    await aborted(gate.signal)
    return read(tables)
  }
  const unprovenConnections = Array.from({ length: 20 }, connectLines)
  for (const unproven of unprovenConnections) {
    await unproven.nextLine()
    unproven.send('take over')
  }
  await settle()
  gate.abort()
  for (const unproven of unprovenConnections) t.equal(await unproven.nextLine(), 'refused')
  t.ok(reads <= 3, `${reads} reads`)
})

t.test('one that stands by learns that it serves, and that it ends', async t => {
  const { server, ask } = await setUp(t)
  const watcher = await agreed(ask('stand by'))
  t.equal(server.predecessors.count, 1)
  server.handOver.announceServing()
  t.equal(await watcher.nextLine(), 'serving')
  server.handOver.release()
  t.equal(await watcher.nextLine(), 'leaving')
  const late = await agreed(ask('stand by'))
  t.equal(await late.nextLine(), 'leaving', 'also one that comes later')
})

t.test('when a successor serves, those that stand by are sent to it', async t => {
  const { ask } = await setUp(t)
  const watcher = await agreed(ask('stand by'))
  const successor = await agreed(ask('take over'))
  successor.send('serving')
  t.equal(await watcher.nextLine(), undefined)
  successor.destroy()
})

t.test('one that waits learns nothing until this one ends, and counts nowhere', async t => {
  const { server, ask } = await setUp(t)
  const waiting = await agreed(ask('wait'))
  t.equal(server.predecessors.count, 0)
  server.handOver.announceServing()
  server.handOver.release()
  let isOver = false
  void waiting.nextLine().then(line => (isOver = line === undefined))
  await settle()
  t.notOk(isOver)
  server.handOver.close()
  await waitUntil(() => isOver, 'it has ended')
})

t.test('one that has given way before gets the node only when this one is about to end', async t => {
  const { rig, server, ask, connectLines } = await setUp(t)
  t.equal(await ask('serve again'), 'serves on')
  t.notOk(server.successor.asks.aborted)
  const unproven = connectLines()
  await unproven.nextLine()
  unproven.send('serve again')
  t.equal(await unproven.nextLine(), 'refused', 'without a proof there is no proof in the reply')
  server.handOver.release()
  ;(await agreed(ask('serve again'))).destroy()
  t.ok(server.successor.asks.aborted)
  t.strictSame(rig.chains, [])
})

t.test('one that has given way before does not get in between two others', async t => {
  const { server, ask } = await setUp(t)
  server.handOver.release()
  let finish = (): void => undefined
  server.successor.giveWay = () => new Promise(resolve => (finish = resolve))
  const first = ask('take over')
  await aborted(server.successor.asks)
  t.equal(await ask('serve again'), 'serves on')
  finish()
  ;(await agreed(first)).destroy()
})

t.test('a proxy that fails to give way agrees to nothing: the other one finds the name free', async t => {
  const { server, ask } = await setUp(t)
  server.successor.giveWay = () => Promise.reject(new Error('out of order'))
  t.equal(await ask('take over'), 'lost')
  t.equal(server.log.entriesWith('out of order').length, 1)
  t.ok(server.successor.gone.aborted)
  t.ok(server.successor.isLost)
  t.equal(await ask('take over'), 'absent')
})
