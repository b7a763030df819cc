import { setFlagsFromString } from 'node:v8'
import { Script } from 'node:vm'

/**
 * Ends this process from any of its threads, also while the main thread works without end or waits in a system call.
 *
 * The kernel protects the first process of a pid namespace, such as that of a container, from all signals that are sent inside of
 * the namespace, SIGKILL too. It does not protect it from a fault of its own. Threads of Node.js have no `process.abort`, so the
 * fault is the breakpoint instruction of V8: without a debugger, the kernel ends the process with SIGTRAP.
 */
export function breakProcess(): void {
  setFlagsFromString('--allow-natives-syntax')
  new Script('%SystemBreak()').runInThisContext()
}
