import { type ChildProcess } from 'node:child_process'
import { programName } from '../../../lib/system/iptables-back-end.js'
import { waitUntilIdle } from '../measure/wait-until-idle.js'
import { ProcessTree } from '../measure/process-tree.js'
import { PROXY_PROGRAM } from '../../../test/support/processes/proxy-process.js'
import { makeApiObjects } from '../testbed/api-objects.js'
import { BenchApi, NODE_NAME } from '../testbed/bench-api.js'
import {
  type BenchService,
  CHANGING_SERVICE,
  type ClusterSize,
  POD_IPS,
  HTTP_SERVICE,
  makeServices,
} from '../testbed/bench-service.js'
import { type Testbed } from '../testbed/testbed.js'
import { findMissingAddresses } from '../testbed/missing-addresses.js'
import { stopProcess } from '../stop-process.js'
import { TimeLimitExceeded } from '../time-limit-exceeded.js'
import { type Address, clusterIPAddress, type ProgrammingTimes, type RunningContender } from './contender.js'
import { type BackEnd, BackEndPath, createIptablesHint } from './back-end-path.js'
import { removeAllIpvs, removeAllRules } from './kernel-rules.js'
import { startOriginal } from './original-program.js'
import { type LoggedSync, type ProxyProgram, SyncLog } from './sync-log.js'

/** Time limit of each wait in milliseconds: a longer sync counts as a failure. */
export const SYNC_TIMEOUT_MS = 240_000

/** How long to wait for work after a start if no rule shows that it is done, in milliseconds. */
const IDLE_TIMEOUT_MS = 30_000

export interface KernelProxyOptions {
  readonly program: ProxyProgram
  readonly mode: 'iptables' | 'ipvs'
  /** The variant of iptables; ipvs mode has rules too. */
  readonly backEnd: BackEnd
}

/** The proxy applies a change at once, without periodic checks in between. */
const SYNC_ARGS = ['iptables', 'ipvs'].flatMap(mode => [`--${mode}-min-sync-period=0s`, `--${mode}-sync-period=1h`])

interface StartedProcess {
  readonly child: ChildProcess
  stop(): Promise<void>
}

/** This proxy or the original in a kernel mode, with an API server that has a cluster. */
export class KernelProxy implements RunningContender {
  readonly api: BenchApi
  readonly #site: Testbed
  readonly #options: KernelProxyOptions
  readonly #path: BackEndPath
  /** The API objects of all Services. */
  readonly #serviceCount: number
  #process: StartedProcess
  #syncs: SyncLog
  #startedAt = Date.now()
  #podChanges = 0
  #fullSync: LoggedSync | undefined

  private constructor(site: Testbed, kind: KernelProxyOptions, api: BenchApi, path: BackEndPath, addresses: number) {
    this.#site = site
    this.#serviceCount = addresses
    this.#options = kind
    this.#path = path
    this.api = api
    this.#process = this.#spawn()
    this.#syncs = new SyncLog(kind.program, this.#process.child, SYNC_TIMEOUT_MS)
  }

  /** Resolves when it serves all Services of the cluster, and `CANARY`. @throws TakesTooLong */
  static async start(site: Testbed, size: ClusterSize, kind: KernelProxyOptions): Promise<KernelProxy> {
    await createIptablesHint(site, kind.backEnd)
    const services = [...makeServices(size), CHANGING_SERVICE]
    const api = await BenchApi.start(site.network, services.flatMap(makeApiObjects))
    const proxy = new KernelProxy(site, kind, api, new BackEndPath(kind.backEnd), services.length)
    try {
      if (kind.mode === 'iptables') await proxy.#waitForAllRules()
      await site.client.waitUntilReachable(HTTP_SERVICE.clusterIP, HTTP_SERVICE.port)
      if (kind.mode === 'ipvs') await waitUntilIdle(new ProcessTree(proxy.pids), IDLE_TIMEOUT_MS)
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
    return clusterIPAddress(service)
  }

  /** The sync after which all rules exist. */
  get fullSync(): LoggedSync {
    if (this.#fullSync === undefined) throw new Error('The rules of this mode do not depend on Services')
    return this.#fullSync
  }

  async waitUntilProgrammed(): Promise<ProgrammingTimes> {
    const { firstListAt } = await this.api.readListCounts()
    return { startedAt: this.#startedAt, listedAt: firstListAt, programmedAt: this.fullSync.at }
  }

  /** The next single endpoint of `CANARY`: another Pod each time. */
  pickNextPod(): string {
    return POD_IPS[++this.#podChanges % POD_IPS.length]!
  }

  /**
   * Kills it, as a crash of the machine would, and starts it again while all its rules exist.
   * @returns the sync after which all of them are verified
   * @throws TakesTooLong
   */
  async restart(): Promise<LoggedSync> {
    await this.#kill()
    this.#process = this.#spawn()
    this.#syncs = new SyncLog(this.#options.program, this.#process.child, SYNC_TIMEOUT_MS)
    return this.#waitForAllRules()
  }

  async stop(): Promise<void> {
    await this.#kill()
    this.api.stop()
    await (this.#options.mode === 'ipvs' ? removeAllIpvs : removeAllRules)(this.#site, this.#options.backEnd)
    this.#path.remove()
  }

  /** The first sync of the original contains only the Services in its caches at that time, so this reads the rules. */
  async #waitForAllRules(): Promise<LoggedSync> {
    const save = programName('IPv4', this.#options.backEnd, 'save')
    const end = Date.now() + SYNC_TIMEOUT_MS
    for (let from = 0; ;) {
      if (Date.now() > end) throw new TimeLimitExceeded('a sync of all Services', SYNC_TIMEOUT_MS)
      const sync = await this.#syncs.waitForAny(from)
      if ((await findMissingAddresses(this.#site, this.#serviceCount, save)).length === 0)
        return (this.#fullSync = sync)
      from = sync.nextLine
    }
  }

  /** Kills its child processes too: an iptables-restore would run for minutes, and write at its end. */
  async #kill(): Promise<void> {
    new ProcessTree(this.pids).kill()
    await this.#process.stop()
  }

  #spawn(): StartedProcess {
    this.#startedAt = Date.now()
    const { program, mode } = this.#options
    if (program === 'original')
      return startOriginal(this.#site, mode, this.api.url, { args: SYNC_ARGS, env: this.#path.env })
    const needed = ['--master', this.api.url, '--hostname-override', NODE_NAME, '-v=2', `--proxy-mode=${mode}`]
    const child = this.#site.startOnNode(process.execPath, [PROXY_PROGRAM, ...needed, ...SYNC_ARGS])
    child.stdout!.resume()
    return { child, stop: () => stopProcess(child) }
  }
}
