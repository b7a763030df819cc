/** The thread of `startTurnWatch`. It may use nothing that needs the main thread, such as `process.stderr`. */
import { constants, openSync, writeSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { Script } from 'node:vm'
import { workerData } from 'node:worker_threads'
import { ProxyFailure } from '../model/failure.js'
import { createKlog } from '../observe/klog.js'
import { SilenceCounter } from '../primitives/silence-counter.js'
import { isTraced } from '../system/process-facts.js'
import { type TurnWatchData } from './start-turn-watch.js'

const { turns, tickMs, ticks, logFormat } = workerData as TurnWatchData
const log = createKlog({ verbosity: 0, format: logFormat, write: line => void writeSync(openErrorOutput(), line) })
const silence = new SilenceCounter(ticks)
let seen = Atomics.load(turns, 0)

setInterval(() => {
  const now = Atomics.load(turns, 0)
  if (now !== seen) silence.recordSign()
  else if (silence.tick() && !isTraced(process.pid)) end()
  seen = now
}, tickMs)

function end(): void {
  const message = `The control process has not turned for ${(tickMs * ticks) / 1000} s`
  log.error('Killing the control process', new ProxyFailure('CONTROL_SILENT', message))
  process.kill(process.pid, 'SIGKILL')
  // Only the first process of a pid namespace still runs: the kernel protects it from its own signals.
  breakProcess()
}

/** A copy of standard error that does not block, if the kernel can open one: nothing may keep this thread from its work. */
function openErrorOutput(): number {
  try {
    return openSync('/proc/self/fd/2', constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK)
  } catch {
    return 2
  }
}

/**
 * Ends this process from any of its threads, also while the main thread works without end or waits in a system call.
 *
 * The kernel protects the first process of a pid namespace, such as that of a container, from all signals that are sent inside of
 * the namespace, SIGKILL too. It does not protect it from a fault of its own. Threads of Node.js have no `process.abort`, so the
 * fault is the breakpoint instruction of V8: without a debugger, the kernel ends the process with SIGTRAP.
 */
function breakProcess(): void {
  setFlagsFromString('--allow-natives-syntax')
  new Script('%SystemBreak()').runInThisContext()
}
