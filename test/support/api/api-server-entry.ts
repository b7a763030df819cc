/**
 * Entry: an API server on the loopback of the namespace in which it starts, on a free port or, with arguments, on that port and with
 * the key and the certificate in these files, and with that token. Prints its URL. Then it reads
 * one JSON command per line and writes one JSON line for each: the number of endpoint changes, and the requested data.
 */
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { type ApiObject, ApiServer, type InjectedResponse, type Resource } from './api-server.js'
import { TcpRelay } from './tcp-relay.js'

interface ApiServerCommand {
  /** Objects to create or change. */
  readonly put?: readonly (readonly [Resource, ApiObject])[]
  readonly remove?: readonly (readonly [Resource, name: string])[]
  /** Features that the server has from now on, instead of those of its default Kubernetes version. */
  readonly serves?: Partial<ApiServer['serves']>
  /** From now on the server rejects requests for these resources with 403. */
  readonly forbid?: readonly Resource[]
  /** Ends watches of these resources, so that clients have to list everything again. */
  readonly relist?: readonly Resource[]
  /** Waits for an event with such a reason and returns it. */
  readonly event?: string
  /**
   * Replaces a slice every `ms` milliseconds with the next of the list: `count` times, and then the answer comes; without a count until
   * another command.
   */
  readonly churn?: { readonly ms: number; readonly slices: readonly ApiObject[]; readonly count?: number }
  /** Ends every watch with 410, so that clients list everything again. */
  readonly expire?: boolean
  /** Stops or starts to listen. Stopping resets all connections. */
  readonly listen?: boolean
  /** From now on the server sends this response, to every request or to so many; null: it answers correctly again. */
  readonly refuse?: (InjectedResponse & { readonly requests?: number }) | null
  /** Ends every watch. */
  readonly closeWatches?: boolean
  /** Sends these bytes on every watch. */
  readonly sendRaw?: string
  /** From now on every response comes that much later. */
  readonly delayMs?: number
  /** From now on the server accepts only this token. */
  readonly token?: string
  /**
   * A relay in front of the server, which the first such command starts, forwards new connections, or accepts them and is silent. When it
   * becomes silent, so do all open connections, permanently.
   */
  readonly relay?: 'forwarding' | 'silent'
}

/** The relay stays until this process exits. */
const UNTIL_EXIT = { teardown: () => undefined }
/** Changes that are due more often come several at once. */
const SHORTEST_INTERVAL_MS = 10
const RESOURCES = ['services', 'endpointslices', 'endpoints', 'nodes', 'pods'] as const

const [port, key, certificate, token] = process.argv.slice(2)
const api = await ApiServer.start({
  ...(port !== undefined && { port: Number(port) }),
  ...(token !== undefined && { token }),
  ...(key !== undefined && { tls: { key: readFileSync(key), cert: readFileSync(certificate!) } }),
})
/** Ends the churn that runs without a count. */
let endChurn = new AbortController()
let churned = 0

async function churn(
  { ms, slices, count = Infinity }: NonNullable<ApiServerCommand['churn']>,
  { signal }: AbortController,
): Promise<void> {
  const startedAt = performance.now()
  for (let sent = 0; sent < count && !signal.aborted; await pause(Math.max(ms, SHORTEST_INTERVAL_MS))) {
    const due = Math.min(count, (performance.now() - startedAt) / ms)
    for (; sent < due; sent++) api.put('endpointslices', slices[churned++ % slices.length]!)
  }
}

let relay: TcpRelay | undefined
process.stdout.write(`${api.url}\n`)
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as ApiServerCommand
  endChurn.abort()
  Object.assign(api.serves, command.serves)
  for (const [resource, object] of command.put ?? []) api.put(resource, object)
  for (const [resource, name] of command.remove ?? []) api.remove(resource, name)
  for (const resource of command.relist ?? []) api.expireWatches(resource)
  for (const resource of command.forbid ?? [])
    api.injectNext(Infinity, { status: 403, when: request => request.resource === resource })
  if (command.event !== undefined) {
    const found = () => api.events.find(({ object }) => object['reason'] === command.event)
    await api.waitUntil(() => found() !== undefined)
    process.stdout.write(`${JSON.stringify(found())}\n`)
    continue
  }
  if (command.churn !== undefined) {
    endChurn = new AbortController()
    const churning = churn(command.churn, endChurn)
    if (command.churn.count !== undefined) await churning
  }
  if (command.expire === true) {
    api.compact()
    for (const resource of RESOURCES) api.expireWatches(resource)
  }
  if (command.refuse !== undefined) {
    api.clearInjected()
    if (command.refuse !== null) api.injectNext(command.refuse.requests ?? Infinity, command.refuse)
  }
  api.responseDelayMs = command.delayMs ?? api.responseDelayMs
  api.token = command.token ?? api.token
  if (command.sendRaw !== undefined)
    await Promise.all(RESOURCES.map(resource => api.sendRaw(resource, command.sendRaw!)))
  if (command.relay !== undefined) {
    relay ??= await TcpRelay.start(UNTIL_EXIT, Number(new URL(api.url).port))
    relay.reachesTarget = command.relay === 'forwarding'
    if (!relay.reachesTarget) relay.freezeConnections()
  }
  if (command.closeWatches === true) for (const resource of RESOURCES) api.closeWatches(resource)
  if (command.listen !== undefined) await (command.listen ? api.startListening() : api.stopListening())
  const lists = api.requests.filter(({ resource, watch }) => resource !== undefined && !watch)
  const firstListAt = lists.find(({ resource }) => resource === 'services')?.at
  process.stdout.write(`${JSON.stringify({ churned, firstListAt, lists: lists.length, relayUrl: relay?.url })}\n`)
}
