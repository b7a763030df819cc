import { once } from 'node:events'
import { type Socket, createServer } from 'node:net'
import t, { type Test } from 'tap'
import { askServer } from '../../lib/control/ask-server.js'
import { type IptablesProof } from '../../lib/control/hand-over-proof.js'
import { aborted } from '../../lib/primitives/aborted.js'
import { TAKE_OVER_TIMEOUT_MS } from '../../lib/control/hand-over.js'
import { LineConnection } from '../../lib/control/line-connection.js'
import { standBehind } from '../../lib/control/stand-behind.js'
import { SUCCESSOR_LATE_MS } from '../../lib/control/successor.js'
import { ProxyFailure } from '../../lib/model/failure.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { quickClock } from '../support/clock/quick-clock.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { HandOverRig } from './hand-over-rig.js'

t.test('a proxy alone has its turn, and the ports, at once, and trusts what it has just read', async t => {
  const rig = new HandOverRig(t)
  const { turn, portsFree, calls, handOver } = rig.start({ clock: new ManualClock() })
  await Promise.all([aborted(turn), aborted(portsFree)])
  t.strictSame(calls, ['turn'])
  t.ok(handOver.mayServe())
})

t.test('a proxy that another one was beside at the start reads the rules again, although that one is gone', async t => {
  const { turn, calls } = new HandOverRig(t).start({ isNameTaken: true })
  await aborted(turn)
  t.strictSame(calls, ['stale rules', 'turn'])
})

t.test(
  'the second proxy has its turn when the first has given way, and the ports when that one releases them',
  async t => {
    const rig = new HandOverRig(t)
    const first = rig.start()
    await aborted(first.turn)
    let finishWrite = (): void => undefined
    first.successor.giveWay = () => new Promise(resolve => (finishWrite = resolve))
    const second = rig.start()
    await aborted(first.successor.asks)
    t.notOk(second.handOver.mayServe(), 'the first one still writes rules')
    finishWrite()
    await aborted(second.turn)
    t.strictSame(second.calls, ['stale rules', 'turn'])
    t.strictSame([first.successor.serves.aborted, second.portsFree.aborted], [false, false])
    t.equal(second.predecessors.count, 1)
    second.handOver.announceServing()
    await aborted(first.successor.serves)
    t.notOk(second.portsFree.aborted)
    first.successor.announceRelease()
    await aborted(second.portsFree)
    t.strictSame(rig.chains, [], 'no proof is left')
  },
)

t.test('a successor that is late gets the ports before it serves', async t => {
  const rig = new HandOverRig(t)
  const first = rig.start()
  await aborted(first.turn)
  const second = rig.start()
  await aborted(second.turn)
  await aborted(first.successor.answers)
  first.successor.announceRelease()
  await aborted(second.portsFree)
  t.notOk(first.successor.serves.aborted)
  second.handOver.announceServing()
  await aborted(first.successor.serves)
})

t.test(
  'a proxy that has taken over and does not serve in time learns that, before the other one no longer waits',
  async t => {
    const rig = new HandOverRig(t)
    const first = rig.start()
    await aborted(first.turn)
    const second = rig.start()
    await waitUntil(() => second.calls.includes('late'), 'it is late')
    t.ok(TAKE_OVER_TIMEOUT_MS < SUCCESSOR_LATE_MS)
    await aborted(first.successor.answers)
    t.strictSame(first.calls, ['turn'], 'one that has not taken over has all the time')
    t.strictSame(second.calls, ['stale rules', 'turn', 'late'])
    const third = rig.start()
    await aborted(third.turn)
    third.handOver.announceServing()
    await aborted(second.successor.serves)
    await quickPause(60_000)
    t.strictSame(third.calls, ['stale rules', 'turn'], 'nor is one late that serves')
  },
)

t.test('a proxy that serves waits ten seconds for the ports of one that hangs', async t => {
  const rig = new HandOverRig(t)
  await aborted(rig.start().turn)
  const second = rig.start()
  await aborted(second.turn)
  second.handOver.announceServing()
  await aborted(second.portsFree)
  t.pass('although the first one does not release them')
})

t.test('a proxy learns whether its successor ends in order or was killed', async t => {
  for (const how of ['in order', 'killed']) {
    const rig = new HandOverRig(t)
    const { turn, successor } = rig.start()
    await aborted(turn)
    const connection = await askServer(rig.address, rig.createProof(), 'take over', new AbortController().signal)
    if (!(connection instanceof LineConnection)) throw new Error(String(connection))
    connection.send('serving')
    await aborted(successor.serves)
    if (how === 'in order') connection.end('leaving')
    // As the kernel closes the sockets of a process that was killed.
    else connection.destroy()
    await aborted(successor.gone)
    t.equal(successor.isLost, how === 'killed', how)
  }
})

/** Waits on the clock of the copies. */
function quickPause(ms: number): Promise<void> {
  return new Promise(resolve => void quickClock.after(ms, resolve))
}

t.test('a proxy that stands by waits for the third one, and learns when it serves and ends', async t => {
  const rig = new HandOverRig(t)
  const first = rig.start()
  await aborted(first.turn)
  const third = rig.start()
  await aborted(third.turn)
  const serves: boolean[] = []
  const onServing = (isServing: boolean): void => void serves.push(isServing)
  const waiting = first.handOver.standBehind(onServing, new AbortController().signal)
  await waitUntil(() => third.predecessors.count === 2, 'it is counted')
  t.strictSame(serves, [])
  third.handOver.announceServing()
  await waitUntil(() => serves.length === 1, 'the third one serves')
  third.handOver.release()
  await t.resolves(waiting)
  t.strictSame(serves, [true, false])
  third.handOver.close()
  await t.resolves(first.handOver.standBehind(onServing, new AbortController().signal), 'there is no other one')
  t.equal(serves.length, 2)
})

t.test('a proxy that stands by learns when the third one is lost, before the fourth one serves', async t => {
  const rig = new HandOverRig(t)
  const first = rig.start()
  await aborted(first.turn)
  const third = rig.start()
  await aborted(third.turn)
  third.handOver.announceServing()
  const serves: boolean[] = []
  const waiting = first.handOver.standBehind(isServing => serves.push(isServing), new AbortController().signal)
  await waitUntil(() => serves.length === 1, 'the third one serves')
  const fourth = rig.start()
  await aborted(fourth.turn)
  third.handOver.close()
  await waitUntil(() => serves.length === 2, 'the third one is lost')
  t.strictSame(serves, [true, false])
  fourth.handOver.announceServing()
  await waitUntil(() => serves.length === 3, 'the fourth one serves')
  fourth.handOver.release()
  await t.resolves(waiting)
  t.strictSame(serves, [true, false, true, false])
})

/** A process that has the name of a proxy, and behaves in its own way. */
async function takeName(t: Test, rig: HandOverRig, serve: (connection: LineConnection) => void): Promise<() => number> {
  let connections = 0
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    connections++
    sockets.add(socket)
    serve(new LineConnection(socket))
  }).listen(rig.address)
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return () => connections
}

const AGREES_WITHOUT_PROOF = (connection: LineConnection): void => {
  connection.send('show 012345')
  void connection.nextLine().then(() => connection.send('yes 00000000'))
}

t.test('a process that has the name and agrees to everything without a proof is asked for ten seconds', async t => {
  const rig = new HandOverRig(t)
  const connections = await takeName(t, rig, AGREES_WITHOUT_PROOF)
  const { turn, portsFree, calls, predecessors, log, handOver } = rig.start()
  await Promise.all([aborted(turn), aborted(portsFree)])
  t.strictSame(calls, ['stale rules', 'turn'], 'the time is longer than what was read is trusted')
  t.equal(predecessors.count, 0)
  t.equal(log.entriesWith('does not show that it may write rules').length, 1)
  t.ok(connections() <= 51, 'with pauses')
  t.strictSame(rig.chains, [])
  await t.resolves(
    handOver.standBehind(() => undefined, new AbortController().signal),
    'nor is it stood behind',
  )
})

t.test('a proxy that gives way and keeps its name is asked for ten seconds, with pauses', async t => {
  const rig = new HandOverRig(t)
  const proof = rig.createProof()
  const connections = await takeName(t, rig, connection => {
    connection.send('show 012345')
    void connection
      .nextLine()
      .then(() => proof.read('012345'))
      .then(secret => connection.send(`yes ${secret}`))
  })
  const { turn, calls } = rig.start()
  await aborted(turn)
  t.strictSame(calls, ['stale rules', 'turn'])
  t.ok(connections() <= 51, String(connections()))
})

t.test('between two requests lies a pause', async t => {
  const rig = new HandOverRig(t)
  const clock = new ManualClock()
  const connections = await takeName(t, rig, AGREES_WITHOUT_PROOF)
  rig.start({ clock })
  for (const count of [1, 2, 3]) {
    // One timer is the time for all requests.
    await waitUntil(() => clock.pendingTimers === 2, 'it waits')
    t.equal(connections(), count)
    clock.advanceSync(200)
  }
})

t.test('processes that say nothing, or nothing that is known, cost ten seconds too', async t => {
  for (const greeting of [undefined, 'hello', 'show me', 'x'.repeat(2000)]) {
    const rig = new HandOverRig(t)
    await takeName(t, rig, connection => greeting !== undefined && connection.send(greeting))
    const { turn, portsFree } = rig.start()
    await Promise.all([aborted(turn), aborted(portsFree)])
    t.pass(greeting?.slice(0, 10) ?? 'nothing')
  }
})

t.test('a process that may not write rules does not take over, and says why', async t => {
  const rig = new HandOverRig(t)
  const first = rig.start()
  await aborted(first.turn)
  for (const code of ['IPTABLES_FORBIDDEN', 'PROGRAM_MISSING', 'IPTABLES_ABSENT'] as const) {
    const proof = rig.createProof()
    proof.show = () => Promise.reject(new ProxyFailure(code, 'not permitted'))
    // Its time stands still: it does not ask again.
    const { log, turn } = rig.start({ proof, clock: new ManualClock() })
    await aborted(turn)
    t.equal(log.entriesWith('not permitted').length, 1)
    t.equal(log.entriesWith('Cannot ask whether another kube-proxy serves this node').length, 1)
  }
  t.notOk(first.successor.asks.aborted)
})

/** A proof that cannot be shown at the first attempts. */
function failFirst(proof: IptablesProof, failures: number): { readonly proof: IptablesProof; attempts: () => number } {
  const show = proof.show.bind(proof)
  let attempts = 0
  proof.show = nonce =>
    ++attempts <= failures ? Promise.reject(new ProxyFailure('IPTABLES_LOCKED', 'locked')) : show(nonce)
  return { proof, attempts: () => attempts }
}

t.test('a proxy whose first proofs fail for a reason that passes takes over with a later one', async t => {
  const rig = new HandOverRig(t)
  const first = rig.start()
  await aborted(first.turn)
  const { proof, attempts } = failFirst(rig.createProof(), 3)
  const second = rig.start({ proof })
  await aborted(second.turn)
  t.ok(first.successor.asks.aborted)
  t.equal(second.predecessors.count, 1)
  t.equal(attempts(), 4)
  t.equal(second.log.entriesWith('without a hand-over').length, 0)
})

t.test('a proxy whose proofs fail for ten seconds serves, says why, and asks again', async t => {
  const rig = new HandOverRig(t)
  const first = rig.start()
  await aborted(first.turn)
  let mayShow = false
  const proof = rig.createProof()
  const show = proof.show.bind(proof)
  proof.show = nonce => (mayShow ? show(nonce) : Promise.reject(new ProxyFailure('IPTABLES_LOCKED', 'locked')))
  const second = rig.start({ proof })
  await aborted(second.turn)
  t.equal(second.log.entriesWith('locked').length, 1)
  t.equal(second.log.entriesWith('Cannot ask whether another kube-proxy serves this node').length, 1)
  mayShow = true
  await waitUntil(() => second.calls.includes('late hand-over'), 'it takes over, and checks its rules')
  t.ok(first.successor.asks.aborted)
})

t.test('a proxy that stands by and cannot show a proof for long still waits for the other one', async t => {
  const rig = new HandOverRig(t)
  const third = rig.start()
  await aborted(third.turn)
  // With a pause of half a second after each, they take longer than the other one may be silent.
  const { proof, attempts } = failFirst(rig.createProof(), 30)
  let isOver = false
  const waiting = standBehind({
    address: rig.address,
    proof,
    demand: 'stand by',
    onServing: () => undefined,
    onFailure: ({ message }) => t.equal(message, 'locked'),
    clock: quickClock,
    stop: new AbortController().signal,
  }).then(() => (isOver = true))
  await waitUntil(() => third.predecessors.count > 0, 'it stands behind the other one')
  t.notOk(isOver)
  t.equal(attempts(), 31)
  third.handOver.close()
  await t.resolves(waiting)
})

t.test('a proxy that has given way before stands by behind one that serves', async t => {
  const rig = new HandOverRig(t)
  const third = rig.start()
  await aborted(third.turn)
  const first = rig.start({ isAgain: true })
  await aborted(first.successor.gone)
  t.ok(first.successor.isLost, 'the rules may lead to it until the other one serves')
  t.ok(first.successor.answers.aborted, 'the other one gets its ports')
  t.strictSame(first.calls, [])
  t.notOk(third.successor.asks.aborted)
  await waitUntil(() => third.calls.includes('late'), 'the other one learns that it has to serve in time')
  const second = rig.start()
  await aborted(second.turn)
  t.ok(third.successor.asks.aborted, 'a new one still takes over')
})

t.test('the time limit of a proxy that has taken over does not begin again when it declines', async t => {
  const rig = new HandOverRig(t)
  const first = rig.start()
  await aborted(first.turn)
  const clock = new ManualClock()
  const second = rig.start({ clock })
  await aborted(second.turn)
  clock.advanceSync(TAKE_OVER_TIMEOUT_MS - 5000)
  await aborted(rig.start({ isAgain: true }).successor.gone)
  t.strictSame(second.calls, ['stale rules', 'turn'])
  clock.advanceSync(5000)
  t.strictSame(second.calls, ['stale rules', 'turn', 'late'])
  clock.advanceSync(TAKE_OVER_TIMEOUT_MS)
  t.strictSame(second.calls, ['stale rules', 'turn', 'late'], 'it learns that once')
})

t.test('a proxy that has given way before takes over from one that is about to end, and from none', async t => {
  for (const isThere of [true, false]) {
    const rig = new HandOverRig(t)
    if (isThere) {
      const third = rig.start()
      await aborted(third.turn)
      third.handOver.release()
    }
    const first = rig.start({ isAgain: true })
    await aborted(first.turn)
    t.equal(first.predecessors.count, Number(isThere))
    t.notOk(first.successor.asks.aborted)
  }
})

t.test('a proxy that is closed while it asks has no turn', async t => {
  const rig = new HandOverRig(t)
  await takeName(t, rig, connection => connection.send('show 012345'))
  const { handOver, calls, portsFree } = rig.start()
  await waitUntil(() => rig.chains.length === 1, 'it asks')
  handOver.close()
  await waitUntil(() => rig.chains.length === 0, 'it has given up')
  t.strictSame(calls, [])
  t.notOk(portsFree.aborted)
})
