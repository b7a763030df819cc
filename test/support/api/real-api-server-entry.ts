/**
 * Entry: a real API server on the loopback of whatever namespace it is started in. Prints the path of its kubeconfig; then
 * answers each command `[method, path, body]` with one line. Ends, with everything it started, when its input ends.
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
