import { type ChildProcess } from 'node:child_process'
import { programName } from '../../../lib/system/iptables-flavour.js'
import { comeToRest } from '../measure/come-to-rest.js'
import { ProcessTree } from '../measure/process-tree.js'
import { PROXY_PROGRAM } from '../../support/proxy-process.js'
import { apiObjectsOf } from '../site/api-objects-of.js'
import { BenchApi, NODE_NAME } from '../site/bench-api.js'
import { type BenchService, CANARY, type ClusterSize, POD_IPS, WEB, servicesOf } from '../site/bench-service.js'
import { type BenchSite } from '../site/bench-site.js'
import { wrongAddresses } from '../site/served-addresses.js'
import { stopProcess } from '../stop-process.js'
import { TakesTooLong } from '../takes-too-long.js'
import { type Address, clusterAddress, type Programming, type Running } from './contender.js'
import { type Flavour, FlavourPath, leaveHint } from './flavour-path.js'
import { clearIpvs, clearRules } from './kernel-rules.js'
import { startOriginal } from './original-program.js'
import { type LoggedSync, type ProxyProgram, SyncLog } from './sync-log.js'

/** How long any one thing is waited for: longer than that a sync is as good as none. Milliseconds. */
export const LIMIT_MS = 240_000

/** How long what a start leaves to do is waited for, where no rule tells that it is done; milliseconds. */
const REST_MS = 30_000

export interface KernelProxyKind {
  readonly program: ProxyProgram
  readonly mode: 'iptables' | 'ipvs'
  /** Of iptables; ipvs mode has rules too. */
  readonly flavour: Flavour
}

/** A change is carried out at once, and no look at the rules of its own accord comes between. */
const SYNC_ARGS = ['iptables', 'ipvs'].flatMap(mode => [`--${mode}-min-sync-period=0s`, `--${mode}-sync-period=1h`])

interface Process {
  readonly child: ChildProcess
  stop(): Promise<void>
}

/** Ours or the original in a mode in which the kernel does the work, with an API server that has a cluster. */
export class KernelProxy implements Running {
  readonly api: BenchApi
  readonly #site: BenchSite
  readonly #kind: KernelProxyKind
  readonly #path: FlavourPath
  /** Of all Services. */
  readonly #addresses: number
  #process: Process
  #syncs: SyncLog
  #startedAt = Date.now()
  #moves = 0
  #fullSync: LoggedSync | undefined

  private constructor(site: BenchSite, kind: KernelProxyKind, api: BenchApi, path: FlavourPath, addresses: number) {
    this.#site = site
    this.#addresses = addresses
    this.#kind = kind
    this.#path = path
    this.api = api
    this.#process = this.#start()
    this.#syncs = new SyncLog(kind.program, this.#process.child, LIMIT_MS)
  }

  /** Resolves when it serves all Services of the cluster, and `CANARY`. @throws TakesTooLong */
  static async start(site: BenchSite, size: ClusterSize, kind: KernelProxyKind): Promise<KernelProxy> {
    await leaveHint(site, kind.flavour)
    const services = [...servicesOf(size), CANARY]
    const api = await BenchApi.start(site.network, services.flatMap(apiObjectsOf))
    const proxy = new KernelProxy(site, kind, api, new FlavourPath(kind.flavour), services.length)
    try {
      if (kind.mode === 'iptables') await proxy.#allStanding()
      await site.client.reach(WEB.clusterIP, WEB.port)
      if (kind.mode === 'ipvs') await comeToRest(new ProcessTree(proxy.pids), REST_MS)
      return proxy
    } catch (error) {
      await proxy.stop()
      throw error
    }
  }

  get pids(): readonly number[] {
    return [this.#process.child.pid!]
  }

  get syncs(): SyncLog {
    return this.#syncs
  }

  addressOf(service: BenchService): Address {
    return clusterAddress(service)
  }

  /** The sync after which all rules stood. */
  get fullSync(): LoggedSync {
    if (this.#fullSync === undefined) throw new Error('The rules of this mode are not those of Services')
    return this.#fullSync
  }

  async programmed(): Promise<Programming> {
    const { firstListAt } = await this.api.seen()
    return { startedAt: this.#startedAt, listedAt: firstListAt, programmedAt: this.fullSync.at }
  }

  /** The Pod that is to be the only endpoint of `CANARY` next: another one each time. */
  nextPod(): string {
    return POD_IPS[++this.#moves % POD_IPS.length]!
  }

  /**
   * Ends it as a machine that fails would, and starts it anew where all its rules stand.
   * @returns the sync after which all of them stood again
   * @throws TakesTooLong
   */
  async restart(): Promise<LoggedSync> {
    await this.#end()
    this.#process = this.#start()
    this.#syncs = new SyncLog(this.#kind.program, this.#process.child, LIMIT_MS)
    return this.#allStanding()
  }

  async stop(): Promise<void> {
    await this.#end()
    this.api.stop()
    await (this.#kind.mode === 'ipvs' ? clearIpvs : clearRules)(this.#site, this.#kind.flavour)
    this.#path.remove()
  }

  /** The original's first sync knows only those Services that its caches have handed on by then: so rules are looked at. */
  async #allStanding(): Promise<LoggedSync> {
    const save = programName('IPv4', this.#kind.flavour, 'save')
    const end = Date.now() + LIMIT_MS
    for (let from = 0; ;) {
      if (Date.now() > end) throw new TakesTooLong('a sync of all Services', LIMIT_MS)
      const sync = await this.#syncs.any(from)
      if ((await wrongAddresses(this.#site, this.#addresses, save)).length === 0) return (this.#fullSync = sync)
      from = sync.end
    }
  }

  /** With what it has started: an iptables-restore would go on for minutes, and write in the end. */
  async #end(): Promise<void> {
    new ProcessTree(this.pids).kill()
    await this.#process.stop()
  }

  #start(): Process {
    this.#startedAt = Date.now()
    const { program, mode } = this.#kind
    if (program === 'original')
      return startOriginal(this.#site, mode, this.api.url, { args: SYNC_ARGS, env: this.#path.env })
    const needed = ['--master', this.api.url, '--hostname-override', NODE_NAME, '-v=2', `--proxy-mode=${mode}`]
    const child = this.#site.startOnNode(process.execPath, [PROXY_PROGRAM, ...needed, ...SYNC_ARGS])
    child.stdout!.resume()
    return { child, stop: () => stopProcess(child) }
  }
}
