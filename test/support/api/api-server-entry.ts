/**
 * Entry: an API server on the loopback of the namespace in which it starts, on a free port or, with arguments, on that port and with
 * the key and the certificate in these files. Prints its URL. Then it reads
 * one JSON command per line and writes one JSON line for each: the number of endpoint changes, and the requested data.
 */
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { type ApiObject, ApiServer, type Resource } from './api-server.js'

interface ApiServerCommand {
  /** Objects to create or change. */
  readonly put?: readonly (readonly [Resource, ApiObject])[]
  readonly remove?: readonly (readonly [Resource, name: string])[]
  /** Features that the server has from now on, instead of those of its default Kubernetes version. */
  readonly serves?: Partial<ApiServer['serves']>
  /** From now on the server rejects requests for these resources with 403. */
  readonly forbid?: readonly Resource[]
  /** The next requests get status 500 and this text, as from a proxy that quotes the request. */
  readonly refuse?: { readonly requests: number; readonly body: string }
  /** Ends watches of these resources, so that clients have to list everything again. */
  readonly relist?: readonly Resource[]
  /** Waits for an event with such a reason and returns it. */
  readonly event?: string
  /** Replaces a slice every `ms` milliseconds with the next of the list, until another command. */
  readonly churn?: { readonly ms: number; readonly slices: readonly ApiObject[] }
  /** Ends every watch with 410, so that clients list everything again. */
  readonly expire?: boolean
  /** Stops or starts to listen. Stopping resets all connections. */
  readonly listen?: boolean
}

const [port, key, certificate] = process.argv.slice(2)
const api = await ApiServer.start({
  ...(port !== undefined && { port: Number(port) }),
  ...(key !== undefined && { tls: { key: readFileSync(key), cert: readFileSync(certificate!) } }),
})
let churn: NodeJS.Timeout | undefined
let churned = 0
process.stdout.write(`${api.url}\n`)
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as ApiServerCommand
  clearInterval(churn)
  Object.assign(api.serves, command.serves)
  for (const [resource, object] of command.put ?? []) api.put(resource, object)
  for (const [resource, name] of command.remove ?? []) api.remove(resource, name)
  for (const resource of command.relist ?? []) api.expireWatches(resource)
  for (const resource of command.forbid ?? [])
    api.injectNext(Infinity, { status: 403, when: request => request.resource === resource })
  if (command.refuse !== undefined) api.injectNext(command.refuse.requests, { status: 500, body: command.refuse.body })
  if (command.event !== undefined) {
    const found = () => api.events.find(({ object }) => object['reason'] === command.event)
    await api.waitUntil(() => found() !== undefined)
    process.stdout.write(`${JSON.stringify(found())}\n`)
    continue
  }
  if (command.churn !== undefined) {
    const { ms, slices } = command.churn
    churn = setInterval(() => api.put('endpointslices', slices[churned++ % slices.length]!), ms)
  }
  if (command.expire === true) {
    api.compact()
    for (const resource of ['services', 'endpointslices', 'endpoints', 'nodes'] as const) api.expireWatches(resource)
  }
  if (command.listen !== undefined) await (command.listen ? api.startListening() : api.stopListening())
  const lists = api.requests.filter(({ resource, watch }) => resource !== undefined && !watch)
  const firstListAt = lists.find(({ resource }) => resource === 'services')?.at
  process.stdout.write(`${JSON.stringify({ churned, firstListAt, lists: lists.length })}\n`)
}
