import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { stripVTControlCharacters } from 'node:util'
import { type TeardownScope, WITHOUT_TAP_LOADER } from '../nodes/node-network.js'
import { PROXY_PROGRAM } from '../processes/proxy-process.js'

/** A running `kube-proxy trace`. */
export class TraceProcess {
  readonly child: ChildProcess
  /** All lines so far. */
  readonly lines: string[] = []
  readonly #lines: AsyncIterator<string>
  #stderr = ''

  /** Starts it, and waits until it watches: it prints the names of the columns then. */
  static async start(t: TeardownScope, args: readonly string[], env = process.env): Promise<TraceProcess> {
    const trace = TraceProcess.launch(t, args, env)
    await trace.next(/^TIME/)
    return trace
  }

  /** Starts it. */
  static launch(t: TeardownScope, args: readonly string[], env = process.env): TraceProcess {
    const command = [...WITHOUT_TAP_LOADER, process.execPath, PROXY_PROGRAM, 'trace', ...args]
    return new TraceProcess(t, spawn('/usr/bin/env', command, { env, stdio: 'pipe' }))
  }

  /** Starts it on a terminal with so many columns. @param env such as `NO_COLOR=1` */
  static async onTerminal(t: TeardownScope, columns: number, args: string, env: string): Promise<TraceProcess> {
    const program = `exec env -u NO_COLOR -u FORCE_COLOR -u LC_ALL TERM=xterm ${env} ${process.execPath} ${PROXY_PROGRAM}`
    const command = `stty cols ${columns} -echo; ${program} trace ${args}`
    const script = ['script', '-qec', command, '/dev/null']
    const trace = new TraceProcess(t, spawn('/usr/bin/env', [...WITHOUT_TAP_LOADER, ...script], { stdio: 'pipe' }))
    await trace.next(/^TIME/)
    return trace
  }

  private constructor(t: TeardownScope, child: ChildProcess) {
    this.child = child
    t.teardown(() => child.kill('SIGKILL'))
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text))
  }

  /** The next line that matches, colours left out. @throws Error if the program ends before */
  async next(wanted: RegExp): Promise<string> {
    for (;;) {
      const { value, done } = await this.#lines.next()
      if (done === true) throw new Error(`No ${wanted} in ${JSON.stringify(this.lines)}; ${this.#stderr}`)
      this.lines.push(value)
      if (wanted.test(stripVTControlCharacters(value))) return value
    }
  }

  /** Types Ctrl-C on its terminal. Resolves with all lines. */
  async interrupt(): Promise<readonly string[]> {
    this.child.stdin!.write('\x03')
    await this.next(/^In \d/)
    await once(this.child, 'exit')
    return this.lines
  }

  /** Ends it with a signal. Resolves with what it has printed on its standard error, and its exit code. */
  async end(signal: NodeJS.Signals): Promise<{ readonly exitCode: number | null; readonly stderr: string }> {
    this.child.kill(signal)
    const [exitCode] = (await once(this.child, 'close')) as [number | null]
    return { exitCode, stderr: this.#stderr }
  }
}
