import { once } from 'node:events'
import { type Socket, connect, createServer } from 'node:net'
import t from 'tap'
import { type HandOverProof } from '../../lib/control/hand-over-proof.js'
import { HandOverServer } from '../../lib/control/hand-over-server.js'
import { requestHandOver } from '../../lib/control/request-hand-over.js'
import { standBehind } from '../../lib/control/stand-behind.js'
import { addToCorpus, readCorpus } from '../support/checks/corpus.js'
import { mutateText } from '../support/checks/mutate-text.js'
import { seededRandom, testSeed } from '../support/checks/seeded-random.js'
import { RecordingLog } from '../support/log/recording-log.js'

/** Conversations of each kind. `FUZZ_RUNS=100000` looks longer. */
const RUNS = Math.ceil(Number(process.env['FUZZ_RUNS'] ?? 1000) / 4)
const SEED = testSeed()
const SUCCESSORS = 'hand-over-successor'
const PROXIES = 'hand-over-proxy'

/** A proof that the processes of this test can show, and that a process which sends damaged lines cannot. */
class MemoryProof implements HandOverProof {
  readonly #shown = new Set<string>()

  show(nonce: string): Promise<() => Promise<void>> {
    this.#shown.add(nonce)
    return Promise.resolve(() => Promise.resolve(void this.#shown.delete(nonce)))
  }

  isShown(nonce: string): Promise<boolean> {
    return Promise.resolve(this.#shown.has(nonce))
  }
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
  const proof = new MemoryProof()
  const address = addressOf('server')
  const server = await HandOverServer.listen({
    address,
    proof,
    onAsk: () => Promise.resolve(void asked++),
    onServing: () => Promise.resolve(),
    onGone: () => undefined,
    onWatcher: () => undefined,
    serves: new AbortController().signal,
    log: new RecordingLog(),
  })
  t.teardown(() => server?.close())
  for (let run = 0; run < RUNS; run++) {
    const text = run < corpus.length ? corpus[run]! : mutateText(corpus[run % corpus.length]!, corpus, random)
    await say(connect(address), text)
    if (asked === 0) continue
    t.fail(`it took over; the input is in ${addToCorpus(SUCCESSORS, text)}`)
    return
  }
  const reply = await requestHandOver(address, proof, AbortSignal.timeout(10_000))
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
      const result = await requestHandOver(addressOf('replies'), new MemoryProof(), stop)
      if (typeof result === 'object') {
        await result.announceServing()
        result.release()
        await result.ended
      }
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
  const standing = standBehind(address, () => undefined, stop.signal)
  const probe = connect(address)
  await say(probe, '')
  stop.abort()
  await standing
}
