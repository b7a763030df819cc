import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { type Test } from 'tap'
import { type FaultMeasurement } from '../support/faults/fault-measurement.js'
import { NODE_NAME } from '../support/faults/api-node.js'
import { faultsOf } from '../support/faults/faults-of.js'
import { makeApiNode } from '../support/api/api-objects.js'
import { realApiServerUnavailable } from '../support/api/real-api-server.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { NodeProcess } from '../support/nodes/node-process.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const testFault = faultsOf('kube-apiserver and etcd')
const skip = namespacesUnavailable || realApiServerUnavailable()
/** The API version of Kubernetes 1.20. */
const API = 'discovery.k8s.io/v1beta1'
const SLICES = `/apis/${API}/namespaces/default/endpointslices`

/** A node whose proxy, of this mode, watches a real kube-apiserver. Pod `a` is the only endpoint. */
async function startCluster(t: Test, mode: string) {
  const node = await ServiceNode.create(t, [])
  const api = new NodeProcess(node.network, 'api/real-api-server-entry')
  t.teardown(async () => {
    api.child.stdin!.end()
    await once(api.child, 'exit')
  })
  const kubeconfig = await api.readLine()
  await api.sendCommand(['POST', '/api/v1/nodes', makeApiNode(NODE_NAME)])
  for (const service of node.services) await api.sendCommand(['POST', '/api/v1/namespaces/default/services', service])
  for (const slice of node.slices(node.ips.slice(0, 1)))
    await api.sendCommand(['POST', SLICES, { ...slice, apiVersion: API }])
  const proxy = new ProxyProcess(
    node.network,
    ['--kubeconfig', kubeconfig, '--hostname-override', NODE_NAME],
    process.env,
    node.network.node,
    mode,
  )
  await proxy.waitForLine(node.synced)
  const useOnly = (ip: string) => api.sendCommand(['PATCH', `${SLICES}/web-1`, { endpoints: [{ addresses: [ip] }] }])
  return { node, api, proxy, useOnly }
}

testFault(
  {
    fault: 'The kube-apiserver is killed, and started again 10 s later',
    promise: 'All Services are served from the last known state.',
    skip,
  },
  async (t, fault) => {
    const { node, api, proxy, useOnly } = await startCluster(t, 'userspace')
    const traffic = await node.startTraffic()
    fault.start()
    await api.sendCommand(['killApi'])
    await delay(10_000)
    await api.sendCommand(['startApi'])
    await useOnly(node.ips[1]!)
    fault.end()
    await fault.measureRecovery('a change takes effect that was made at once', () => node.waitForPod('b'))
    await fault.checkTraffic(traffic)
    t.equal(await proxy.stop(), 0)
  },
)

async function measureRestore(t: Test, fault: FaultMeasurement, mode: string): Promise<void> {
  const { node, api, proxy, useOnly } = await startCluster(t, mode)
  await api.sendCommand(['backUpStore'])
  for (const ip of [...node.ips, ...node.ips]) await useOnly(ip)
  await node.waitForPod('b')
  const traffic = await node.startTraffic()
  fault.start()
  await api.sendCommand(['restoreStore'])
  fault.end()
  await fault.measureRecovery('the restored state is used', () => node.waitForPod('a'))
  await useOnly(node.ips[1]!)
  await node.waitForPod('b')
  await fault.checkTraffic(traffic)
  t.equal(await proxy.stop(), 0)
}

testFault(
  {
    fault: 'etcd is restored from a backup: resource versions are older than those the proxy knows (userspace mode)',
    promise: 'All Services are served from the last known state, then from the restored one.',
    skip,
  },
  (t, fault) => measureRestore(t, fault, 'userspace'),
)

testFault(
  {
    fault: 'etcd is restored from a backup: resource versions are older than those the proxy knows (iptables mode)',
    promise: 'All Services are served from the last known state, then from the restored one.',
    skip,
  },
  (t, fault) => measureRestore(t, fault, 'iptables'),
)
