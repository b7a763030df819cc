import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { lineReader } from './line-reader.js'

/** How long to wait before asking again when the proxy that serves has too many others that stand by, in milliseconds. */
const RETRY_MS = 5000

/**
 * Waits while another proxy serves this node. Resolves when none does, when the one that does is about to end, or when `stop` is
 * aborted. A proxy calls it when its own successor has ended: with three copies, a later one may serve now.
 * @param onServing called when the rules of the other proxy are in the kernel
 */
export async function standBehind(address: string, onServing: () => void, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const end = await watch(address, onServing, stop)
    if (end === 'free') return
    if (end === 'refused') await pause(RETRY_MS, undefined, { signal: stop }).catch(() => undefined)
  }
}

/** Watches one proxy; `HandOverServer` has the messages. `changed`: it has ended or given way, and another one may serve. */
async function watch(
  address: string,
  onServing: () => void,
  stop: AbortSignal,
): Promise<'free' | 'changed' | 'refused'> {
  const socket = connect(address)
  socket.on('error', () => undefined)
  const onStop = (): void => void socket.destroy()
  stop.addEventListener('abort', onStop)
  const nextLine = lineReader(socket)
  try {
    if ((await nextLine()) === undefined) return 'free'
    socket.write('watch\n')
    let line = await nextLine()
    if (line === 'refused') return line
    if (line === 'serving') {
      onServing()
      line = await nextLine()
    }
    return line === 'leaving' ? 'free' : 'changed'
  } finally {
    stop.removeEventListener('abort', onStop)
    socket.destroy()
  }
}
