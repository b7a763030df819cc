/**
 * Entry: a real API server on the loopback of the namespace in which it starts. Prints the path of its kubeconfig. Then
 * it writes one line for each command `[method, path, body]`. At the end of its input it stops everything and exits.
 */
import { createInterface } from 'node:readline'
import { RealApiServer } from './real-api-server.js'

const api = await RealApiServer.start()
process.stdout.write(`${api.kubeconfigPath}\n`)
for await (const line of createInterface({ input: process.stdin })) {
  const [method, path, body] = JSON.parse(line) as [string, string, object?]
  await api.requestOk(method, path, body)
  process.stdout.write('done\n')
}
await api.stop()
