import { once } from 'node:events'
import { type Socket, connect, createServer } from 'node:net'
import t from 'tap'
import { type HandOverProof, IptablesProof } from '../../lib/control/hand-over-proof.js'
import { askServer } from '../../lib/control/ask-server.js'
import { HandOverServer } from '../../lib/control/hand-over-server.js'
import { standBehind } from '../../lib/control/stand-behind.js'
import { addToCorpus, readCorpus } from '../support/checks/corpus.js'
import { mutateText } from '../support/checks/mutate-text.js'
import { seededRandom, testSeed } from '../support/checks/seeded-random.js'
import { quickClock } from '../support/clock/quick-clock.js'
import { MemoryIptables } from '../support/kernel/memory-iptables.js'
import { RecordingLog } from '../support/log/recording-log.js'

/** Conversations of each kind. `FUZZ_RUNS=100000` looks longer. */
const RUNS = Math.ceil(Number(process.env['FUZZ_RUNS'] ?? 1000) / 4)
const SEED = testSeed()
const SUCCESSORS = 'hand-over-successor'
const PROXIES = 'hand-over-proxy'

/** A proof that the processes of this test can show, and that a process which sends damaged lines cannot. */
function createProof(): HandOverProof {
  return new IptablesProof(new MemoryIptables('IPv4'), quickClock)
}

/** A name that only this process uses; see HAND_OVER_ADDRESS. */
function addressOf(role: string): string {
  return `\0kube-proxy-node/fuzz-${role}-${process.pid}`
}

/** Says `text`, and takes what comes until the other side ends. */
async function say(socket: Socket, text: string): Promise<void> {
  socket.on('error', () => undefined).resume()
  // A half of a surrogate pair has no UTF-8 form: Buffer writes U+FFFD in its place.
  socket.end(text)
  if (!socket.closed) await once(socket, 'close').catch(() => undefined)
}

t.test(`A process without the proof takes nothing over, whatever it sends (SEED=${SEED})`, async t => {
  const random = seededRandom(SEED)
  const corpus = readCorpus(SUCCESSORS)
  let asked = 0
  let watchers = 0
  const proof = createProof()
  const address = addressOf('server')
  const server = await HandOverServer.listen({
    address,
    proof,
    successor: {
      onAsk: () => Promise.resolve(void asked++),
      onServing: () => undefined,
      onGone: () => undefined,
      portsReleased: new AbortController().signal,
    },
    onWatcher: () => void watchers++,
    onDecline: () => t.fail('it was asked with a proof'),
    serves: new AbortController().signal,
    clock: quickClock,
    log: new RecordingLog(),
  })
  t.teardown(() => server?.close())
  for (let run = 0; run < RUNS; run++) {
    const text = run < corpus.length ? corpus[run]! : mutateText(corpus[run % corpus.length]!, corpus, random)
    await say(connect(address), text)
    if (asked + watchers === 0) continue
    t.fail(`it took over, or stands by; the input is in ${addToCorpus(SUCCESSORS, text)}`)
    return
  }
  const reply = await askServer(address, proof, 'take over', AbortSignal.timeout(10_000))
  t.type(reply, 'object', 'a process with the proof still gets the node')
  t.equal(asked, 1)
})

t.test(`A proxy that asks survives every reply of a process that has the name (SEED=${SEED})`, async t => {
  const random = seededRandom(SEED)
  const corpus = readCorpus(PROXIES)
  let reply = ''
  const server = createServer({ allowHalfOpen: true }, socket => void say(socket, reply))
  server.listen(addressOf('replies'))
  t.teardown(() => server.close())
  await once(server, 'listening')
  for (let run = 0; run < RUNS; run++) {
    reply = run < corpus.length ? corpus[run]! : mutateText(corpus[run % corpus.length]!, corpus, random)
    const stop = AbortSignal.timeout(10_000)
    try {
      const result = await askServer(addressOf('replies'), createProof(), 'take over', stop)
      if (typeof result === 'object') throw new Error('It was believed without a proof')
      await standBehindOnce(addressOf('replies'))
    } catch (error) {
      t.fail(`${String(error)}; the input is in ${addToCorpus(PROXIES, reply)}`)
      return
    }
  }
  t.pass('every reply ended in an answer')
})

/** Stands by until the other process has replied once. */
async function standBehindOnce(address: string): Promise<void> {
  const stop = new AbortController()
  const standing = standBehind({
    address,
    proof: createProof(),
    demand: 'stand by',
    onServing: () => undefined,
    onFailure: () => undefined,
    clock: quickClock,
    stop: stop.signal,
  })
  const probe = connect(address)
  await say(probe, '')
  stop.abort()
  await standing
}
