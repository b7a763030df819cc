/**
 * Entry: an API server on the loopback of whatever namespace it is started in. Prints its URL; then one line for each
 * command, each a line of JSON: how often endpoints were churned, and what was asked for.
 */
import { createInterface } from 'node:readline'
import { type ApiObject, ApiServer, type Resource } from './api-server.js'

interface ApiServerCommand {
  /** Objects to create or change. */
  readonly put?: readonly (readonly [Resource, ApiObject])[]
  readonly remove?: readonly (readonly [Resource, name: string])[]
  /** What the server has, from now on, other than the version of Kubernetes that it is by default. */
  readonly serves?: Partial<ApiServer['serves']>
  /** Requests for these resources are answered with 403 from now on. */
  readonly forbid?: readonly Resource[]
  /** Watches of these resources end so that everything has to be listed again. */
  readonly relist?: readonly Resource[]
  /** The answer comes when an event with such a reason has been created, and is that event. */
  readonly event?: string
  /** Churns the endpoints of a slice every `ms` milliseconds, from the list of slices, until it is told something else. */
  readonly churn?: { readonly ms: number; readonly slices: readonly ApiObject[] }
  /** Ends every watch with 410, so that all is listed anew. */
  readonly expire?: boolean
}

const api = await ApiServer.start()
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
  const lists = api.requests.filter(({ resource, watch }) => resource !== undefined && !watch)
  const firstListAt = lists.find(({ resource }) => resource === 'services')?.at
  process.stdout.write(`${JSON.stringify({ churned, firstListAt, lists: lists.length })}\n`)
}
