import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { type ReadableStream } from 'node:stream/web'
import { type Test } from 'tap'
import {
  type DemoDocument,
  type LessonsDocument,
  type LeverEffect,
  type RunLine,
} from '../../../lib/demo-page/demo-document.js'
import { WITHOUT_TAP_LOADER } from '../nodes/node-network.js'
import { isolatedDemo } from '../processes/isolated-demo.js'
import { PROXY_PROGRAM } from '../processes/proxy-process.js'

const LINK = /^The page: (\S+)$/m

/** A running `kube-proxy demo --page`, and its page. It ends with the test. */
export class DemoPageProcess {
  /** Where the page is, without the last slash. */
  readonly origin: string
  /** What its terminal shows: signs a browser in. */
  readonly link: string
  /** The header of a browser that is signed in. */
  readonly cookie: string
  /** What the demo has left in the system. */
  readonly left: () => string
  /** The names of its network namespaces start with this. */
  readonly prefix: string
  /** Its TMPDIR. */
  readonly temporaryFolder: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, link: string, cookie: string, env: NodeJS.ProcessEnv, left: () => string) {
    this.#child = child
    this.prefix = String(env['KUBE_PROXY_DEMO_PREFIX'])
    this.temporaryFolder = String(env['TMPDIR'])
    this.origin = new URL(link).origin
    this.link = link
    this.cookie = cookie
    this.left = left
  }

  /** Starts it, and waits for its page. @param through a program that starts it, with arguments */
  static async start(
    t: Test,
    args: readonly string[] = [],
    { through = [], env: more = {} }: { readonly through?: readonly string[]; readonly env?: NodeJS.ProcessEnv } = {},
  ): Promise<DemoPageProcess> {
    const { env, left } = isolatedDemo()
    const command = [...WITHOUT_TAP_LOADER, ...through, process.execPath, PROXY_PROGRAM, 'demo', '--page', ...args]
    const child = spawn('/usr/bin/env', command, { env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'pipe'] })
    t.teardown(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGINT')
      await once(child, 'close')
    })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (text += String(chunk)))
    while (!LINK.test(text)) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(text)
      await Promise.race([once(child.stdout, 'data'), once(child, 'close')])
    }
    const [, link] = LINK.exec(text)!
    const entered = await fetch(link!, { redirect: 'manual' })
    const [cookie] = entered.headers.get('set-cookie')!.split(';')
    return new DemoPageProcess(child, link!, cookie!, env, left)
  }

  /** Ends it as Ctrl-C does. @returns its exit code */
  async end(): Promise<number | null> {
    this.#child.kill('SIGINT')
    const [exitCode] = (await once(this.#child, 'close')) as [number | null]
    return exitCode
  }

  /** Asks as a browser that is signed in. */
  ask(path: string): Promise<Response> {
    return fetch(`${this.origin}${path}`, { headers: { Cookie: this.cookie } })
  }

  /** What the demo says of itself. */
  async document(): Promise<DemoDocument> {
    const response = await this.ask('/demo')
    return (await response.json()) as DemoDocument
  }

  /** The numbers of the lessons that the page shows as done. */
  async doneLessons(): Promise<readonly number[]> {
    const { items } = (await (await this.ask('/demo/lessons')).json()) as LessonsDocument
    return items.flatMap(({ number, isDone }) => (isDone ? number : []))
  }

  /** The processes in one of its network namespaces. @param name without prefix, such as `node` or `client-a` */
  pidsIn(name: string): readonly number[] {
    const pids = execFileSync('ip', ['netns', 'pids', `${this.prefix}${name}`], { encoding: 'utf8' })
    return pids
      .split('\n')
      .filter(line => line !== '')
      .map(Number)
  }

  /** What a client of this network namespace gets that connects: `connected`, or the code of an error. */
  connect(name: string, ip: string): string {
    const program = `require('net').connect(80, '${ip}', () => { console.log('connected'); process.exit() })
      .on('error', ({ code }) => { console.log(code); process.exit() })`
    const enter = ['netns', 'exec', `${this.prefix}${name}`, process.execPath, '-e', program]
    return execFileSync('ip', enter, { encoding: 'utf8', env: { PATH: process.env['PATH'] } }).trim()
  }

  /** Asks to run something, as a page would. */
  post(
    body: string,
    headers: Readonly<Record<string, string>> = {},
    path = '/demo/run',
    signal?: AbortSignal,
  ): Promise<Response> {
    const all = { 'Content-Type': 'application/json', Origin: this.origin, Cookie: this.cookie, ...headers }
    return fetch(`${this.origin}${path}`, { method: 'POST', headers: all, body, signal: signal ?? null })
  }

  /** Runs something to its end. */
  async run(id: string): Promise<readonly RunLine[]> {
    const lines: RunLine[] = []
    for await (const line of this.linesOf(id)) lines.push(line)
    return lines
  }

  /** Runs something, and returns each line when it comes. @param signal closes the page in the middle */
  async *linesOf(id: string, signal?: AbortSignal): AsyncGenerator<RunLine> {
    const response = await this.post(JSON.stringify({ id }), {}, '/demo/run', signal)
    if (response.status !== 200) throw new Error(`${id}: ${response.status} ${await response.text()}`)
    for await (const line of createInterface(Readable.fromWeb(response.body as ReadableStream)))
      if (line !== '') yield JSON.parse(line) as RunLine
  }

  /** Replies to the lesson that runs. @returns the status of HTTP */
  async reply(id: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
    return (await this.post(JSON.stringify({ id }), headers, '/demo/reply')).status
  }

  /** Takes a lesson to its end; always expects the first choice. */
  async takeLesson(number: number): Promise<readonly RunLine[]> {
    const lines: RunLine[] = []
    for await (const line of this.linesOf(`learn/${number}`)) {
      lines.push(line)
      const reply = line.kind === 'next' ? line.id : line.kind === 'question' ? line.choices[0]!.id : undefined
      const status = reply === undefined ? 204 : await this.reply(reply)
      if (status !== 204) throw new Error(`${reply}: ${status}`)
    }
    return lines
  }

  /** Pulls a lever, and returns what the next requests met. */
  async pull(id: string): Promise<LeverEffect> {
    const last = (await this.run(id)).at(-1)
    if (last?.kind === 'effect') return last.effect
    throw new Error(`${id}: ${JSON.stringify(last)}`)
  }
}
