/**
 * Entry: opens connections to a Service and counts how they end.
 *
 *     load-client.js IP PORT sequential COUNT PARALLEL      each sends nothing and expects a name and a clean end
 *     load-client.js IP PORT concurrent COUNT               opens all; after the last answer it ends all
 *
 * Prints one JSON object: the number of connections per kind of end and per Pod.
 */
import { type Socket, connect } from 'node:net'
import { TIMEOUT_FACTOR } from '../nodes/timeout-factor.js'

const [ip, port, kind, count, parallel] = process.argv.slice(2) as [string, string, string, string, string?]
const ANSWER_TIMEOUT_MS = 30_000 * TIMEOUT_FACTOR
const outcomes: Record<string, number> = {}
const answers: Record<string, number> = {}

function openConnection(onAnswer: (text: string, socket: Socket) => void, onEnd: (outcome: string) => void): Socket {
  let outcome = 'closed without an answer'
  const socket = connect({ host: ip, port: Number(port), allowHalfOpen: true })
  const timer = setTimeout(
    () => socket.destroy(new Error(`no answer within ${ANSWER_TIMEOUT_MS} ms`)),
    ANSWER_TIMEOUT_MS,
  )
  socket.on('data', chunk => {
    outcome = 'answered'
    onAnswer(String(chunk), socket)
  })
  socket.on('error', (error: NodeJS.ErrnoException) => (outcome = error.code ?? error.message))
  socket.on('close', () => {
    clearTimeout(timer)
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    onEnd(outcome)
  })
  return socket
}

async function runSequential(total: number, width: number): Promise<void> {
  let left = total
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      await new Promise<unknown>(resolve =>
        openConnection(name => (answers[name] = (answers[name] ?? 0) + 1), resolve).end(),
      )
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
}

/** Ends no connection before all have an answer, so that all are open at the same time. */
async function runConcurrent(total: number): Promise<void> {
  const waiting = new Set<Socket>()
  let answered = 0
  const endAll = (): void => {
    for (const socket of waiting) socket.end()
  }
  await Promise.all(
    Array.from(
      { length: total },
      () =>
        new Promise<unknown>(resolve => {
          const socket = openConnection(
            () => ++answered === total && endAll(),
            outcome => {
              waiting.delete(socket)
              // A lost connection must not make the others wait forever.
              if (outcome !== 'answered' && ++answered === total) endAll()
              resolve(outcome)
            },
          )
          waiting.add(socket)
          socket.write('echo\n')
        }),
    ),
  )
}

if (kind === 'sequential') await runSequential(Number(count), Number(parallel))
else await runConcurrent(Number(count))
process.stdout.write(`${JSON.stringify({ outcomes, answers })}\n`)
