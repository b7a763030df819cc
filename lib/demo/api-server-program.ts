/**
 * Entry of the API server of the demo: `api-server-program.js PORT`, on loopback of its network namespace. It serves what a kube-proxy
 * asks for: lists and watches of Services, EndpointSlices and Nodes, and takes Events. Reads one JSON command per line, and prints
 * `done` when it is carried out: `{"objects": […]}` makes these all objects, `{"isAway": true}` resets all connections and refuses new ones.
 * Prints `ready`. Exits at the end of its standard input.
 */
import { once } from 'node:events'
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { type DemoObject, type ObjectChange, PATHS, VersionedObjects } from './versioned-objects.js'

type Command = { readonly objects: readonly DemoObject[] } | { readonly isAway: boolean }

const port = Number(process.argv[2])
const objects = new VersionedObjects()
/** Open watches, with the path of each. */
const watches = new Map<ServerResponse, string>()
const server = createServer((request, response) => answer(request, response))

await listen()
process.stdout.write('ready\n')
for await (const line of createInterface({ input: process.stdin })) {
  await run(JSON.parse(line) as Command)
  process.stdout.write('done\n')
}
process.exit()

async function run(command: Command): Promise<void> {
  if ('objects' in command) for (const change of objects.setAll(command.objects)) announce(change)
  else if (command.isAway === server.listening) await (command.isAway ? goAway() : listen())
}

async function listen(): Promise<void> {
  await once(server.listen(port, '127.0.0.1'), 'listening')
}

async function goAway(): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://api')
  // Events: nothing of the demo shows them.
  if (request.method === 'POST') request.resume().on('end', () => send(response, 201, {}))
  else if (pathname === '/apis') send(response, 200, { kind: 'APIGroupList', groups: [{ name: 'discovery.k8s.io' }] })
  else if (pathname === '/apis/discovery.k8s.io/v1')
    send(response, 200, { kind: 'APIResourceList', resources: [{ name: 'endpointslices' }] })
  else if (![...PATHS.values()].includes(pathname)) send(response, 404, statusOf(404, 'NotFound'))
  else if (searchParams.get('watch') === 'true') watch(pathname, searchParams, response)
  else list(pathname, searchParams, response)
}

function list(path: string, query: URLSearchParams, response: ServerResponse): void {
  // Of all selectors, only this one leaves out anything: no object of the demo is headless, or of another proxy.
  const [, name] = /(?:^|,)metadata\.name=([^,]+)/.exec(query.get('fieldSelector') ?? '') ?? []
  const items = objects.list(path, name)
  send(response, 200, { kind: 'List', metadata: { resourceVersion: String(objects.version) }, items })
}

function watch(path: string, query: URLSearchParams, response: ServerResponse): void {
  const changes = objects.since(path, Number(query.get('resourceVersion') ?? 0))
  response.writeHead(200, { 'Content-Type': 'application/json' }).flushHeaders()
  if (changes === undefined)
    return void response.end(`${JSON.stringify({ type: 'ERROR', object: statusOf(410, 'Expired') })}\n`)
  for (const change of changes) writeChange(response, change)
  watches.set(response, path)
  const seconds = Number(query.get('timeoutSeconds') ?? 0)
  const timer = seconds > 0 ? setTimeout(() => response.end(), seconds * 1000) : undefined
  response.on('close', () => {
    clearTimeout(timer)
    watches.delete(response)
  })
}

function announce(change: ObjectChange): void {
  for (const [response, path] of watches) if (path === change.path) writeChange(response, change)
}

function writeChange(response: ServerResponse, { type, object }: ObjectChange): void {
  response.write(`${JSON.stringify({ type, object })}\n`)
}

function statusOf(code: number, reason: string): object {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message: reason }
}

function send(response: ServerResponse, code: number, body: object): void {
  response.writeHead(code, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
}
