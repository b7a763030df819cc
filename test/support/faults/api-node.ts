import { type Test } from 'tap'
import { makeApiNode } from '../api/api-objects.js'
import { NodeProcess } from '../nodes/node-process.js'
import { ServiceNode } from '../nodes/service-node.js'
import { ProxyProcess } from '../processes/proxy-process.js'

/** The name of the node, which the API server has as an object. */
export const NODE_NAME = 'this-node'

/** How an `ApiNode` differs from the usual one. */
interface ApiNodeOptions {
  /** Flags with which the proxy reads from the server at a URL. */
  readonly sourceFlags?: (url: string) => readonly string[]
  /** Arguments of api-server-entry. */
  readonly serverArgs?: readonly string[]
  /** The environment of the proxy. */
  readonly env?: NodeJS.ProcessEnv
  /** The mode of the proxy; by default that of the other proxies under test. */
  readonly mode?: string
  /** Whether the proxy reaches the server only through its relay. */
  readonly isBehindRelay?: boolean
}

/**
 * A node whose proxy watches an API server that fails on command. Pod `a` is the only endpoint of both Services. After
 * `moveEndpoints` an answer of Pod `b` shows that the proxy knows of the change.
 */
export class ApiNode {
  readonly node: ServiceNode
  /** The API server; its commands are those of api-server-entry. */
  readonly api: NodeProcess
  readonly #launch: () => ProxyProcess
  #proxy: ProxyProcess

  private constructor(node: ServiceNode, api: NodeProcess, launch: () => ProxyProcess) {
    this.node = node
    this.api = api
    this.#launch = launch
    this.#proxy = launch()
  }

  /** Starts the API server and the proxy; resolves when the proxy has written its rules. */
  static async start(
    t: Test,
    {
      sourceFlags = url => ['--master', url],
      serverArgs = [],
      isBehindRelay = false,
      env = process.env,
      mode,
    }: ApiNodeOptions = {},
  ): Promise<ApiNode> {
    const node = await ServiceNode.create(t, [])
    const api = new NodeProcess(node.network, 'api/api-server-entry', serverArgs)
    const url = await api.readLine()
    const slices = node.slices(node.ips.slice(0, 1))
    const result = await api.sendCommand({
      put: [
        ['nodes', makeApiNode(NODE_NAME)],
        ...node.services.map(service => ['services', service]),
        ...slices.map(slice => ['endpointslices', slice]),
      ],
      ...(isBehindRelay && { relay: 'forwarding' }),
    })
    const { relayUrl = url } = JSON.parse(result) as { relayUrl?: string }
    const flags = ['--hostname-override', NODE_NAME, ...sourceFlags(relayUrl)]
    const launch = () => new ProxyProcess(node.network, flags, env, node.network.node, mode)
    const cluster = new ApiNode(node, api, launch)
    await cluster.proxy.waitForLine(node.synced)
    return cluster
  }

  /** The proxy that was started last. */
  get proxy(): ProxyProcess {
    return this.#proxy
  }

  /** Starts another proxy, after the end of the last one. Resolves when it has written its rules. */
  async startNextProxy(): Promise<void> {
    this.#proxy = this.#launch()
    await this.#proxy.waitForLine(this.node.synced)
  }

  /**
   * Replaces Pod `a` with Pod `b` in the Service `web`. Not in `dns`: a UDP request whose endpoint is removed before the answer comes
   * is lost, with or without a fault.
   */
  async moveEndpoints(): Promise<void> {
    const [web] = this.node.slices(this.node.ips.slice(1))
    await this.api.sendCommand({ put: [['endpointslices', web]] })
  }
}
