/**
 * Entry: `scarce-ports-entry.js CLIENTS FAST_PATH`, for a network namespace with few source ports. So many UDP clients, which need
 * none of these ports, ask one after the other through a data plane that does not look at how many there are. Prints how many were
 * answered, and how many errors are in the log.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { InProcessDataPlane } from '../../../lib/dataplane/in-process.js'
import { chooseTransports } from '../../../lib/dataplane/transport/choose-transports.js'
import { defaultPlaneOptions, makeListenerPlan, makeListenerSpec, silentLog } from './plane-under-test.js'

const POD_PORT = 30_000
const PROXY_PORT = 30_001
const FIRST_CLIENT_PORT = 20_000
const ANSWER_TIMEOUT_MS = 10_000

const [clients, fastPath] = process.argv.slice(2) as [string, 'auto' | 'off']
let errors = 0
const plane = new InProcessDataPlane({
  ...defaultPlaneOptions,
  ...(await chooseTransports(fastPath, silentLog)),
  log: { ...silentLog, error: () => void errors++ },
})
const pod = createSocket('udp4').bind(POD_PORT, '127.0.0.1')
pod.on('message', (datagram, { port, address }) => pod.send(datagram, port, address))
await once(pod, 'listening')
const key = 'IPv4/default/dns/UDP'
const endpoints = [{ ip: '127.0.0.1', port: POD_PORT }]
await plane.apply(makeListenerPlan(makeListenerSpec({ key, protocol: 'UDP', port: PROXY_PORT, endpoints })))

let answered = 0
for (let n = 0; n < Number(clients) && answered === n; n++) {
  const client = createSocket('udp4').bind(FIRST_CLIENT_PORT + n, '127.0.0.1')
  await once(client, 'listening')
  client.send('question', PROXY_PORT, '127.0.0.1')
  await once(client, 'message', { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) }).then(
    () => answered++,
    () => undefined,
  )
  client.close()
}
process.stdout.write(JSON.stringify({ answered, errors }))
await plane.drain(0)
pod.close()
