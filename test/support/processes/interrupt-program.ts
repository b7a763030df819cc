import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Test } from 'tap'
import { PROXY_PROGRAM } from './proxy-process.js'

/** When and how to interrupt a program. */
export interface Interruption {
  readonly env: NodeJS.ProcessEnv
  /** It has printed this. */
  readonly when: RegExp
  /** Lets what it waits for end, after the interruption. */
  release(): void
}

/** Runs kube-proxy, and interrupts it as Ctrl-C does. @returns how it has ended, and all that it has printed */
export async function interruptProgram(
  t: Test,
  args: readonly string[],
  { env, when, release }: Interruption,
): Promise<{ readonly exitCode: number | null; readonly text: string }> {
  const child = spawn(process.execPath, [PROXY_PROGRAM, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGINT'))
  const closed = once(child, 'close') as Promise<[number | null]>
  let text = ''
  child.stdout.on('data', chunk => (text += String(chunk)))
  while (!when.test(text))
    await Promise.race([
      once(child.stdout, 'data'),
      closed.then(([code]) =>
        Promise.reject(new Error(`It ended with code ${code} before it printed ${when}:\n${text}`)),
      ),
    ])
  child.kill('SIGINT')
  release()
  const [exitCode] = await closed
  return { exitCode, text }
}
