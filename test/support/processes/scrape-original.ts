import { ProgramLog } from '../../../lib/demo/program-log.js'
import { makeApiEndpoint, makeApiNode, makeApiService, makeApiSlice } from '../api/api-objects.js'
import { NodeNetwork, type TeardownScope } from '../nodes/node-network.js'
import { NodeProcess } from '../nodes/node-process.js'
import { originalFlags, originalProgram, writeKubeconfig } from './original-kube-proxy.js'

const NODE_NAME = 'this-node'
const LOG_TIMEOUT_MS = 60_000
const ASK = `fetch('http://127.0.0.1:10249/metrics').then(response => response.text()).then(text => console.log(text))`

/** What /metrics of the original kube-proxy in iptables mode serves, after a sync with a Service. @param folder for its kubeconfig */
export async function scrapeOriginal(t: TeardownScope, folder: string): Promise<string> {
  const network = await NodeNetwork.create(t)
  const api = new NodeProcess(network, 'api/api-server-entry')
  const url = await api.readLine()
  const objects = (ip: string): readonly (readonly [string, object])[] => [
    ['services', makeApiService({ clusterIP: '10.96.0.10' })],
    ['endpointslices', makeApiSlice({ triggerTime: new Date().toISOString(), endpoints: [makeApiEndpoint(ip)] })],
  ]
  await api.sendCommand({
    // Like Kubernetes 1.20.
    serves: { 'discovery.k8s.io/v1': false, 'discovery.k8s.io/v1beta1': true, clusterIPSelector: false },
    put: [['nodes', makeApiNode(NODE_NAME)], ...objects('10.244.0.2')],
  })
  const flags = [...originalFlags('iptables', writeKubeconfig(folder, url), NODE_NAME), '-v=4']
  const child = network.start(network.node, originalProgram()!, flags)
  const log = new ProgramLog(child, child.stderr!, LOG_TIMEOUT_MS)
  const synced = /syncProxyRules took/
  await log.waitFor(synced)
  const from = log.lines.length
  await api.sendCommand({ put: objects('10.244.0.3') })
  await log.waitFor(synced, from)
  const { stdout } = await network.node.run(process.execPath, ['-e', ASK])
  return stdout
}
