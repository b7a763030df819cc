/**
 * Entry: an API server on the loopback of whatever namespace it is started in. Prints its URL; then one line for each
 * command: `{"put": [resource, object], "remove": [resource, name], "watching": resource, "lists": resource}`.
 */
import { createInterface } from 'node:readline'
import { type ApiObject, ApiServer, type Resource } from './api-server.js'

interface Command {
  /** Objects to create or change. */
  readonly put?: readonly (readonly [Resource, ApiObject])[]
  /** Churns the endpoints of a slice every `ms` milliseconds, from the list of slices, until it is told something else. */
  readonly churn?: { readonly ms: number; readonly slices: readonly ApiObject[] }
}

const api = await ApiServer.start()
let churn: NodeJS.Timeout | undefined
let churned = 0
process.stdout.write(`${api.url}\n`)
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as Command
  clearInterval(churn)
  for (const [resource, object] of command.put ?? []) api.put(resource, object)
  if (command.churn !== undefined) {
    const { ms, slices } = command.churn
    churn = setInterval(() => api.put('endpointslices', slices[churned++ % slices.length]!), ms)
  }
  process.stdout.write(`${JSON.stringify({ churned })}\n`)
}
