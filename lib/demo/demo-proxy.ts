import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
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
import { endProcess } from './demo-network.js'
import { ProgramLog } from './program-log.js'
import { ProxyFailure } from '../model/failure.js'
import { type Mode } from '../modes/mode.js'
import { type NetworkNamespace } from './network-namespace.js'
import { type Teardown } from './teardown.js'

const PROXY_PROGRAM = fileURLToPath(new URL('../../bin/kube-proxy.js', import.meta.url))
/** How long the proxy may take to do what it is told, in milliseconds: where the processor is emulated, to start takes a while. */
const LOG_TIMEOUT_MS = 90_000

/** All that there is in the cluster at a moment. */
export interface DemoObjects {
  readonly deployments: readonly Deployment[]
  readonly services: readonly DemoService[]
  readonly pods: readonly Pod[]
}

/** The real kube-proxy on the node of the demo: told what there is by a manifest, and listened to by its log. */
export class DemoProxy {
  readonly manifest: string
  readonly #node: NetworkNamespace
  readonly #folder: string
  readonly #teardown: Teardown
  readonly #mode: Mode
  #log: ProgramLog | undefined
  /** What the log says of each service port, by its name there, once the last manifest is served. */
  #endpointLogTexts: ReadonlyMap<string, string> = new Map()

  /**
   * @param folder where the manifest is written, and nothing else that could be taken for one
   */
  constructor(node: NetworkNamespace, folder: string, mode: Mode, teardown: Teardown) {
    this.#mode = mode
    this.manifest = join(folder, 'cluster.yaml')
    this.#node = node
    this.#folder = folder
    this.#teardown = teardown
  }

  /** Resolves when the rules are written. */
  async start(objects: DemoObjects): Promise<void> {
    await this.#writeManifest(objects)
    // The proxy must not outlive a demo that is killed; everything else ends with its standard input.
    const args = [
      '--pdeathsig',
      'KILL',
      '--',
      process.execPath,
      PROXY_PROGRAM,
      '--manifests',
      this.#folder,
      `--proxy-mode=${this.#mode.name}`,
      '--iptables-min-sync-period=100ms',
      '--ipvs-min-sync-period=100ms',
      // One process: workers would outlive one that is killed, as they are meant to.
      '--data-plane-workers=0',
      `-v=${this.#mode.walkthrough.syncSigns.verbosity}`,
    ]
    const child = this.#node.spawn('setpriv', args, { stdio: ['ignore', 'ignore', 'pipe'] })
    await this.#teardown.add(() => endProcess(child))
    const log = new ProgramLog(child, child.stderr!, LOG_TIMEOUT_MS)
    this.#log = log
    await log.waitFor(/"Synced rules" family="IPv4"/).catch((cause: unknown) => {
      // What it says at its end is not in the form of log lines.
      const said = log.lines.filter(line => !/^[IWE]\d{4} /.test(line)).join('\n')
      throw new ProxyFailure(
        'DEMO_IMPOSSIBLE',
        said === '' ? 'kube-proxy does not start on the node of the demo' : said,
        {
          cause,
        },
      )
    })
  }

  /** Writes the manifest and waits until the proxy serves what it says. */
  async apply(objects: DemoObjects): Promise<void> {
    const from = this.#log!.lines.length
    const before = this.#endpointLogTexts
    await this.#writeManifest(objects)
    const changed = [...this.#endpointLogTexts].filter(([key, text]) => before.get(key) !== text)
    if (!this.#mode.walkthrough.syncSigns.endpointsAreLogged)
      return this.#waitForSync(new Set(changed.map(([key]) => key.split(/[:/]/)[0]!)), from)
    for (const [key, text] of changed) {
      await this.#log!.waitFor(new RegExp(`"Listener updated" servicePort="IPv4/default/${key}" endpoints=${text}`), from)
    }
  }

  /** Resolves when rules were written after each of the Services was taken up; changes that come together may be taken one by one. */
  async #waitForSync(services: ReadonlySet<string>, from: number): Promise<void> {
    let taken = from
    for (const name of services) {
      const line = await this.#log!.waitFor(new RegExp(`(Service|Endpoints) changed" service="default/${name}"`), from)
      taken = Math.max(taken, this.#log!.lines.indexOf(line, from))
    }
    if (services.size > 0) await this.#log!.waitFor(this.#mode.walkthrough.syncSigns.kernelWritten, taken)
  }

  async #writeManifest(objects: DemoObjects): Promise<void> {
    const { deployments, services, pods } = objects
    const all = [
      ...deployments.map(deploymentManifest),
      ...services.map(serviceManifest),
      ...services.flatMap(service => endpointSliceManifests(service, deployments, pods)),
    ]
    // Whole or not at all: the proxy must never read half of it.
    const draft = `${this.manifest}.draft`
    await writeFile(draft, all.map(object => stringify(object)).join('---\n'))
    await rename(draft, this.manifest)
    this.#endpointLogTexts = endpointLogTexts(objects)
  }
}

function endpointLogTexts({ deployments, services, pods }: DemoObjects): Map<string, string> {
  const texts = new Map<string, string>()
  for (const service of services) {
    for (const port of service.ports) {
      const endpoints = formatEndpoints(service, port, deployments, pods)
      const key = `${service.name}${port.name === '' ? '' : `:${port.name}`}/${port.protocol}`
      texts.set(key, `"${endpoints}"${service.affinity ? ' affinitySeconds' : ''}`)
    }
  }
  return texts
}
