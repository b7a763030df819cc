/**
 * Entry: a real API server on the loopback of the namespace in which it starts; its arguments are additional flags of the
 * kube-apiserver. Prints the path of its kubeconfig. Then it writes the response as one line for each command `[method, path, body]`.
 * The commands `["killApi"]`, `["startApi"]`, `["backUpStore"]` and `["restoreStore"]` call the method of that name. At the end of its input it stops everything and exits.
 */
import { createInterface } from 'node:readline'
import { RealApiServer } from './real-api-server.js'

const api = await RealApiServer.start(process.argv.slice(2))
const ACTIONS = {
  killApi: () => api.killApi(),
  startApi: () => api.startApi(),
  backUpStore: () => api.backUpStore(),
  restoreStore: () => api.restoreStore(),
}
process.stdout.write(`${api.kubeconfigPath}\n`)
for await (const line of createInterface({ input: process.stdin })) {
  const [method, path, body] = JSON.parse(line) as [keyof typeof ACTIONS] | [string, string, object?]
  const result =
    path === undefined ? await ACTIONS[method as keyof typeof ACTIONS]() : await api.requestOk(method, path, body)
  process.stdout.write(`${JSON.stringify(result ?? null)}\n`)
}
await api.stop()
