import { type Test } from 'tap'
import { NodeProcess } from '../nodes/node-process.js'
import { ServiceNode } from '../nodes/service-node.js'
import { ProxyProcess } from '../processes/proxy-process.js'
import { TIMEOUT_FACTOR } from '../nodes/timeout-factor.js'

/** How long a proxy may take to notice a change after an API server is back. Its longest pause between attempts is half of it. */
const CONVERGENCE_LIMIT_MS = 60_000 * TIMEOUT_FACTOR

/**
 * A node whose proxy watches an API server that fails on command. Pod `a` is the only endpoint of both Services until
 * `moveEndpoints`, so an answer of Pod `b` shows that the proxy knows of the change.
 */
export class ApiNode {
  readonly node: ServiceNode
  /** The API server; its commands are those of api-server-entry. */
  readonly api: NodeProcess
  readonly proxy: ProxyProcess

  private constructor(node: ServiceNode, api: NodeProcess, proxy: ProxyProcess) {
    this.node = node
    this.api = api
    this.proxy = proxy
  }

  /** Starts the API server and the proxy; resolves when the proxy has written its rules. */
  static async start(t: Test, flags: readonly string[] = []): Promise<ApiNode> {
    const node = await ServiceNode.create(t, [])
    const api = new NodeProcess(node.network, 'api/api-server-entry')
    const url = await api.readLine()
    const slices = node.slices(node.ips.slice(0, 1))
    await api.sendCommand({
      put: [...node.services.map(service => ['services', service]), ...slices.map(slice => ['endpointslices', slice])],
    })
    const proxy = new ProxyProcess(node.network, ['--master', url, ...flags])
    await proxy.waitForLine(node.synced)
    return new ApiNode(node, api, proxy)
  }

  /** Replaces Pod `a` with Pod `b` in both Services. */
  async moveEndpoints(): Promise<void> {
    await this.api.sendCommand({
      put: this.node.slices(this.node.ips.slice(1)).map(slice => ['endpointslices', slice]),
    })
  }

  /** Resolves when the proxy uses Pod `b`. @throws Error after a minute */
  async waitForPodB(): Promise<void> {
    const limit = performance.now() + CONVERGENCE_LIMIT_MS
    const { client, web } = this.node
    while ((await client.tcp(web.clusterIP, web.port)) !== 'b')
      if (performance.now() > limit) throw new Error(`Pod b gets no connection after ${CONVERGENCE_LIMIT_MS} ms`)
  }
}
