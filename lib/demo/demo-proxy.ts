import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import {
  type Deployment,
  type DemoService,
  type Pod,
  deploymentManifest,
  endpointSliceManifests,
  formatEndpoints,
  serviceManifest,
} from './cluster-objects.js'
import { type DemoApiServer } from './demo-api-server.js'
import { endWith } from './demo-network.js'
import { DEFAULT_AFFINITY_SECONDS } from '../snapshot/decode-service.js'
import { KUBE_PROXY_PROGRAM } from './kube-proxy-program.js'
import { ProgramLog } from './program-log.js'
import { ProxyFailure } from '../model/failure.js'
import { type Mode } from '../modes/mode.js'
import { type NetworkNamespace } from './network-namespace.js'
import { type Teardown } from './teardown.js'

/** How long to wait for a log line of the proxy, in milliseconds. On an emulated processor, starting alone takes long. */
const LOG_TIMEOUT_MS = 90_000

/** What the data plane logs for each connection: with clients that never end, it would fill the memory. */
const CONNECTION_LINE = / (tcp|udp|listener)-[\w-]+\.js:\d+\] /

/** What the proxy logs when it no longer reaches the API server, and when it does again. */
const [API_AWAY, API_BACK] = [/"Cannot reach the API server;/, /"The API server is reachable again"/]

/** All objects of the cluster at one moment. */
export interface DemoObjects {
  readonly deployments: readonly Deployment[]
  readonly services: readonly DemoService[]
  readonly pods: readonly Pod[]
}

/**
 * The real kube-proxy on the node of the demo. It reads the objects from a manifest, or watches the API server of the demo; its log shows
 * what it has programmed.
 */
export class DemoProxy {
  readonly manifest: string
  readonly #node: NetworkNamespace
  readonly #folder: string
  readonly #teardown: Teardown
  readonly #api: DemoApiServer | undefined
  #mode: Mode
  /** What the proxy cannot see while the API server is away. */
  #unseen: DemoObjects | undefined
  #process: ChildProcess | undefined
  #log: ProgramLog | undefined
  /** What the log says about each service port, by its name in the log, when the proxy serves the last manifest. */
  #endpointLogTexts: ReadonlyMap<string, string> = new Map()
  /** What the rules depend on besides endpoints, by the name of the Service. */
  #ruleTexts: ReadonlyMap<string, string> = new Map()

  /**
   * @param folder for the manifest; without an API server the proxy reads every manifest in it
   * @param api left out: there is none
   */
  constructor(node: NetworkNamespace, folder: string, mode: Mode, teardown: Teardown, api?: DemoApiServer) {
    this.#mode = mode
    this.manifest = join(folder, 'cluster.yaml')
    this.#node = node
    this.#folder = folder
    this.#teardown = teardown
    this.#api = api
  }

  /** Where the proxy answers `kube-proxy status`. */
  get statusSocket(): string {
    return join(this.#folder, 'status.sock')
  }

  /** Resolves when the proxy has written its rules. @param env more environment variables for it */
  async start(objects: DemoObjects, env: NodeJS.ProcessEnv = {}): Promise<void> {
    await this.#writeManifest(objects)
    this.#recordServed(objects)
    // The kernel kills the proxy if the demo is killed. The other programs exit at the end of their standard input.
    const args = [
      '--pdeathsig',
      'KILL',
      '--',
      process.execPath,
      KUBE_PROXY_PROGRAM,
      ...(this.#api === undefined ? ['--manifests', this.#folder] : ['--master', this.#api.url]),
      `--proxy-mode=${this.#mode.name}`,
      '--iptables-min-sync-period=100ms',
      '--ipvs-min-sync-period=100ms',
      // Without workers: they survive the death of the proxy, by design.
      '--data-plane-workers=0',
      // Not that of a proxy of this machine.
      `--status-socket=${this.statusSocket}`,
      // The lines that apply() waits for.
      `-v=${this.#mode.walkthrough.syncSigns.verbosity}`,
    ]
    const child = this.#node.spawn('setpriv', args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...env },
    })
    this.#process = child
    await endWith(this.#teardown, child)
    const log = new ProgramLog(child, child.stderr!, LOG_TIMEOUT_MS, CONNECTION_LINE)
    this.#log = log
    await log.waitFor(/"Synced rules" family="IPv4"/).catch((cause: unknown) => {
      // The error that ends the proxy is not a log line.
      const errorText = log.lines.filter(line => !/^[IWE]\d{4} /.test(line)).join('\n')
      throw new ProxyFailure(
        'DEMO_IMPOSSIBLE',
        errorText === '' ? 'kube-proxy does not start on the node of the demo' : errorText,
        {
          cause,
        },
      )
    })
  }

  /** Sends the proxy a signal, and waits for its end. */
  async stop(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }

  /** Ends the proxy, and starts another one in this mode. @param env more environment variables for it */
  async restart(mode: Mode, objects: DemoObjects, env: NodeJS.ProcessEnv = {}): Promise<void> {
    await this.stop('SIGKILL')
    this.#mode = mode
    await this.start(objects, env)
  }

  get mode(): Mode {
    return this.#mode
  }

  /** Writes the manifest and waits until the proxy serves its objects. While the API server is away, it does not wait. */
  async apply(objects: DemoObjects): Promise<void> {
    const from = this.#log!.lines.length
    await this.#writeManifest(objects)
    if (this.#api?.isAway === true) this.#unseen = objects
    else await this.#waitUntilServed(objects, from)
  }

  /** Whether the API server is away; undefined: there is none. */
  get isApiAway(): boolean | undefined {
    return this.#api?.isAway
  }

  /** Resolves when the proxy has noticed, and serves what has changed meanwhile. @throws Error if there is no API server */
  async setApiAway(isAway: boolean): Promise<void> {
    if (this.#api === undefined) throw new Error('The proxy of this demo watches no API server')
    const from = this.#log!.lines.length
    await this.#api.setAway(isAway)
    await this.#log!.waitFor(isAway ? API_AWAY : API_BACK, from)
    if (isAway || this.#unseen === undefined) return
    const unseen = this.#unseen
    this.#unseen = undefined
    await this.#waitUntilServed(unseen, from)
  }

  async #waitUntilServed(objects: DemoObjects, from: number): Promise<void> {
    const [before, rulesBefore] = [this.#endpointLogTexts, this.#ruleTexts]
    this.#recordServed(objects)
    const changed = [...this.#endpointLogTexts].filter(([key, text]) => before.get(key) !== text)
    const reshaped = [...this.#ruleTexts].flatMap(([name, text]) => (rulesBefore.get(name) === text ? [] : [name]))
    if (!this.#mode.walkthrough.syncSigns.endpointsAreLogged)
      return this.#waitForSync(new Set([...changed.map(([key]) => key.split(/[:/]/)[0]!), ...reshaped]), from)
    let next = from
    for (const [key, text] of changed) {
      const pattern = new RegExp(`"Listener updated" servicePort="IPv4/default/${key}" endpoints=${text}`)
      const line = await this.#log!.waitFor(pattern, from)
      next = Math.max(next, this.#log!.lines.indexOf(line, from))
    }
    await this.#waitForSync(new Set(reshaped), from, next)
  }

  /** Resolves when the proxy has written rules after the log line of the last changed Service: it may write in several steps. */
  async #waitForSync(services: ReadonlySet<string>, from: number, after = from): Promise<void> {
    let next = after
    for (const name of services) {
      const line = await this.#log!.waitFor(new RegExp(`(Service|Endpoints) changed" service="default/${name}"`), from)
      next = Math.max(next, this.#log!.lines.indexOf(line, from))
    }
    if (services.size === 0) return
    for (const sign of this.#mode.walkthrough.syncSigns.served)
      next = this.#log!.lines.indexOf(await this.#log!.waitFor(sign, next), next)
  }

  async #writeManifest(objects: DemoObjects): Promise<void> {
    const { deployments, services, pods } = objects
    const manifests = [
      ...deployments.map(deploymentManifest),
      ...services.map(serviceManifest),
      ...services.flatMap(service => endpointSliceManifests(service, deployments, pods)),
    ]
    // Renamed into place, so that the proxy never reads half of it.
    const draft = `${this.manifest}.draft`
    await writeFile(draft, manifests.map(manifest => stringify(manifest, { version: '1.1' })).join('---\n'))
    await rename(draft, this.manifest)
    await this.#api?.setObjects(manifests)
  }

  #recordServed(objects: DemoObjects): void {
    this.#endpointLogTexts = endpointLogTexts(objects)
    this.#ruleTexts = new Map(objects.services.map(service => [service.name, ruleText(service)]))
  }
}

function endpointLogTexts({ deployments, services, pods }: DemoObjects): Map<string, string> {
  const texts = new Map<string, string>()
  for (const service of services) {
    for (const port of service.ports) {
      const endpoints = formatEndpoints(service, port, deployments, pods)
      const key = `${service.name}${port.name === '' ? '' : `:${port.name}`}/${port.protocol}`
      texts.set(key, `"${endpoints}"${affinityText(service)}`)
    }
  }
  return texts
}

function affinityText({ affinity, spec }: DemoService): string {
  if (!affinity) return ''
  const { clientIP } = (spec?.['sessionAffinityConfig'] ?? {}) as { readonly clientIP?: { timeoutSeconds: number } }
  return ` affinitySeconds=${clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS}(?!\\d)`
}

/** What the rules for a Service depend on, in every mode: not its endpoints, nor its affinity. Where its Pods are matters to policy Local. */
function ruleText({ ports, spec, status, nodeName }: DemoService): string {
  const { sessionAffinityConfig: _, ...rest } = spec ?? {}
  const isLocal = Object.values(rest).includes('Local')
  return JSON.stringify([
    ports.map(({ port, nodePort }) => [port, nodePort]),
    rest,
    status,
    ...(isLocal ? [nodeName] : []),
  ])
}
