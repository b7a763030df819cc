import { type IncomingMessage, type ServerResponse } from 'node:http'
import { messageOf } from '../model/failure.js'
import { type Overview } from '../status/overview.js'
import { askProxy } from '../status/ask-proxy.js'
import { onceClosed } from '../status/once-closed.js'
import { type DashboardResponder } from '../status/dashboard/dashboard-server.js'
import { RefusedRun } from './refused-run.js'
import { type StatusResponder } from '../status/status-responder.js'
import { type RunLine } from './demo-document.js'
import { forwardToProxy } from './forward-to-proxy.js'
import { type LiveDemo } from './live-demo.js'
import { readRunRequest } from './read-run-request.js'
import { sendSigns } from './send-signs.js'

/** The paths of the demo, which no proxy has. */
const DEMO = '/demo'
const QUESTIONS = '/demo/questions'
const LESSONS = '/demo/lessons'
const RUN = '/demo/run'
const REPLY = '/demo/reply'

/** Firefox gives up an answer that is silent for 300 s, and a user may think about a prediction for longer. In milliseconds. */
const SIGN_MS = 60_000

/**
 * Answers the page of the demo: what the proxy answers at its status socket, and what only the demo can do. Everything that changes the
 * cluster is here; the proxy only reads.
 */
export class DemoResponder implements DashboardResponder {
  readonly #demo: LiveDemo
  readonly #responder: StatusResponder
  readonly #version: string

  /** @param responder for errors, and turns of clients @param version of this program */
  constructor(demo: LiveDemo, responder: StatusResponder, version: string) {
    this.#demo = demo
    this.#responder = responder
    this.#version = version
  }

  inTurn(...args: Parameters<StatusResponder['inTurn']>): void {
    this.#responder.inTurn(...args)
  }

  sendError(...args: Parameters<StatusResponder['sendError']>): void {
    this.#responder.sendError(...args)
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.socket.setTimeout(0)
    const { statusSocket } = this.#demo
    const [path] = (request.url ?? '').split('?', 1)
    try {
      if (request.url === RUN) return await this.#run(request, response)
      if (request.url === REPLY) return await this.#reply(request, response)
      if (request.method === 'GET' && path === DEMO) return sendJson(response, this.#demo.document)
      if (request.method === 'GET' && request.url === QUESTIONS) return sendJson(response, this.#demo.questions)
      if (request.method === 'GET' && request.url === LESSONS) return sendJson(response, await this.#demo.readLessons())
      if (request.method === 'GET' && request.url === '/v1') return sendJson(response, await this.#overview())
      forwardToProxy(statusSocket, request, response, error => this.#sendNoAnswer(response, error))
    } catch (error) {
      if (error instanceof RefusedRun) this.sendError(response, error.status, error.message, [])
      else this.#sendNoAnswer(response, error)
    }
  }

  /** The proxy at a glance; its paths show the page that the demo answers too. */
  async #overview(): Promise<Overview> {
    const overview = await askProxy<Overview>(this.#demo.statusSocket, '', {}, this.#version)
    return { ...overview, paths: [...overview.paths, DEMO, QUESTIONS, LESSONS, RUN, REPLY] }
  }

  /** Runs something, and answers with one line for each thing that happens. It runs to its end, whether or not the page stays; a lesson has no end without its page. */
  async #run(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const id = await this.#readId(request, response)
    const run = this.#demo.find(id)
    if (run === undefined) throw new RefusedRun(404, `The demo cannot run "${id}" now`)
    if (this.#demo.running !== null)
      throw new RefusedRun(409, `The demo still runs "${this.#demo.running}": wait for its end`)
    response.writeHead(200, { 'Content-Type': 'application/x-ndjson', 'Cache-Control': 'no-store' })
    response.flushHeaders()
    const gone = new AbortController()
    onceClosed(response, () => gone.abort())
    const endSigns = sendSigns(response, SIGN_MS)
    await run((line: RunLine) => void response.write(`${JSON.stringify(line)}\n`), gone.signal)
    endSigns()
    response.end()
  }

  /** Passes on what a user replies to a lesson. */
  async #reply(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const id = await this.#readId(request, response)
    if (!this.#demo.reply(id)) throw new RefusedRun(409, `The demo does not wait for "${id}" now`)
    response.writeHead(204).end()
  }

  async #readId(request: IncomingMessage, response: ServerResponse): Promise<string> {
    if (request.method !== 'POST') {
      response.setHeader('Allow', 'POST')
      throw new RefusedRun(405, 'This path runs something: use POST')
    }
    return readRunRequest(request)
  }

  #sendNoAnswer(response: ServerResponse, error: unknown): void {
    this.sendError(response, 502, `The proxy of the demo does not answer: ${messageOf(error)}`, [])
  }
}

function sendJson(response: ServerResponse, document: object): void {
  const text = Buffer.from(JSON.stringify(document))
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': text.byteLength })
  response.end(text)
}
