import { writeFileSync } from 'node:fs'

/**
 * Names this process as the kernel knows it, so that `pgrep -x`, `ps -C`, `pidof` and `killall` find it. `ps -f` shows the name
 * and the arguments.
 *
 * @param name at most 15 characters: TASK_COMM_LEN of the kernel
 */
export function setProcessName(name: string, args: readonly string[]): void {
  // Sets the command line, which is what ps -f and pidof read, and the first 15 characters of it as the name of this process.
  process.title = [name, ...args].join(' ')
  try {
    writeFileSync('/proc/self/comm', name)
  } catch {
    // Without /proc the kernel keeps the longer name. Nothing depends on it.
  }
}
