import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Testbed } from '../testbed/testbed.js'
import { CLIENT_IPS, LIVE_IPS, REFUSING_IP, UNRESPONSIVE_IP } from './soak-services.js'

const ENTRY = fileURLToPath(new URL('pods-entry.js', import.meta.url))

/** Gives the Pods and the client the addresses of the soak, and starts the servers. */
export async function startPods({ network, podNamespace, clientNamespace }: Testbed): Promise<void> {
  const addresses = [...LIVE_IPS, REFUSING_IP, UNRESPONSIVE_IP]
  await podNamespace.configure(...addresses.map(ip => `address add ${ip}/24 dev eth0`))
  await clientNamespace.configure(...CLIENT_IPS.map(ip => `address add ${ip}/24 dev eth0`))
  await podNamespace.run('iptables', ['-A', 'INPUT', '-d', UNRESPONSIVE_IP, '-j', 'DROP'])
  const pods = network.start(podNamespace, process.execPath, [ENTRY])
  pods.stderr!.pipe(process.stderr)
  await once(pods.stdout!, 'data')
}
