import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { kubeProxyConfiguration } from '../../lib/config/kube-proxy-configuration.js'
import { readConfig } from '../../lib/config/read-config.js'
import { ProgramLog } from '../../lib/demo/program-log.js'
import { MODES } from '../../lib/modes/registry.js'
import { makeApiEndpoint, makeApiNode, makeApiService, makeApiSlice } from '../support/api/api-objects.js'
import { NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { NodeProcess } from '../support/nodes/node-process.js'
import { originalProgram, originalUnavailable, writeKubeconfig } from '../support/processes/original-kube-proxy.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const NODE_NAME = 'this-node'
const LOG_TIMEOUT_MS = 60_000
const ASK = `fetch('http://127.0.0.1:10249/configz').then(async answer => process.stdout.write(await answer.text()))`

/** A file with all fields of the section `userspace`. kube-proxy 1.20.2 knows every other field. */
function makeConfiguration(kubeconfig: string) {
  const { userspace } = kubeProxyConfiguration(readConfig({}, NODE_NAME, MODES).config)
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    // The API servers of the tests support nothing but JSON.
    clientConnection: { kubeconfig, contentType: 'application/json' },
    clusterCIDR: '10.244.0.0/16',
    // These settings belong to the whole machine; the test must not change them.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    hostnameOverride: NODE_NAME,
    iptables: { syncPeriod: '47s' },
    mode: 'iptables',
    userspace: { ...(userspace as object), drainTimeout: '53s', statusSocket: '' },
  }
}

const sentence = 'One file with a section "userspace" configures kube-proxy 1.20.2 and this proxy'

t.test(sentence, { skip: namespacesUnavailable || originalUnavailable, timeout: 180_000 }, async t => {
  const network = await NodeNetwork.create(t)
  const server = await network.addServer('here')
  const client = new NetworkClient(network, (await network.addPod()).namespace)
  const api = new NodeProcess(network, 'api/api-server-entry')
  const folder = t.testdir({})
  const file = join(folder, 'config.conf')
  writeFileSync(file, JSON.stringify(makeConfiguration(writeKubeconfig(folder, await api.readLine()))))
  await api.sendCommand({
    // Like Kubernetes 1.20.
    serves: { 'discovery.k8s.io/v1': false, 'discovery.k8s.io/v1beta1': true, clusterIPSelector: false },
    put: [
      ['nodes', makeApiNode(NODE_NAME)],
      ['services', makeApiService()],
      ['endpointslices', makeApiSlice({ endpoints: [makeApiEndpoint(server.ip)] })],
    ],
  })
  const readConfigz = async (): Promise<unknown> => {
    const { stdout } = await network.node.run(process.execPath, ['-e', ASK])
    return JSON.parse(stdout)
  }

  await t.test('the original does not know the section: it reads the others, and serves', async t => {
    const child = network.start(network.node, originalProgram()!, [`--config=${file}`, '-v=4'])
    const log = new ProgramLog(child, child.stderr!, LOG_TIMEOUT_MS)
    t.match(await log.waitFor(/using lenient decoding as strict decoding failed/), /found unknown field: userspace/)
    await log.waitFor(/syncProxyRules took/)
    t.equal(await client.tcp('10.96.0.10', 80), 'here')
    t.match(await readConfigz(), {
      'kubeproxy.config.k8s.io': { ClusterCIDR: '10.244.0.0/16', IPTables: { SyncPeriod: '47s' }, Mode: 'iptables' },
    })
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    // Only rules of this proxy serve then.
    await network.node.run('iptables', ['-t', 'nat', '-F'])
  })

  await t.test('this proxy reads the section too, and knows every field', async t => {
    const proxy = new ProxyProcess(network, [`--config=${file}`])
    await proxy.waitForLine(/Synced rules" family="IPv4" changed=true/)
    t.equal(await client.tcp('10.96.0.10', 80), 'here')
    t.match(await readConfigz(), {
      'kubeproxy.config.k8s.io': { Mode: 'iptables', SyncPeriod: '47s', Userspace: { DrainTimeout: '53s' } },
    })
    t.notMatch(proxy.lines.join('\n'), /Unknown field/)
    t.equal(await proxy.stop(), 0)
  })
})
