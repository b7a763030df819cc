import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type Log } from '../model/log.js'
import { type Mode } from '../modes/mode.js'
import { type MetricRegistry } from '../observe/metric-registry.js'
import { type StartChoices } from './choose-at-start.js'
import { type HandOverCallbacks } from './hand-over.js'
import { type HandOverProof } from './hand-over-proof.js'
import { type LifeCycle } from './life-cycle.js'
import { type Predecessors } from './predecessors.js'

/** What `buildParts` makes the parts from. */
export interface BuildOptions {
  readonly config: KubeProxyConfig
  readonly log: Log
  /** All modes that `--proxy-mode` may name; undefined: those of the registry. */
  readonly modes: readonly Mode[] | undefined
  /** The proxies that have given way to this process. */
  readonly predecessors: Predecessors
  /** Called when a later proxy takes over, or serves on. */
  readonly successor: HandOverCallbacks
  /** Whether this process has given way before. */
  readonly isAgain: boolean
  /** Takes what must be undone if the start fails, here or later. */
  readonly onFailure: (undo: () => unknown) => void
}

/** What every part may need. */
export interface BuildSetup extends BuildOptions {
  readonly registry: MetricRegistry
  readonly life: LifeCycle
  readonly proof: HandOverProof
  /** Whether another process has the name of the proxy that serves. */
  readonly isNameTaken: boolean
  /** Aborted when no other proxy uses the ports of health checks and metrics any more. */
  readonly portsFree: AbortController
  /** If another proxy has the ports of health checks and metrics: resolves when it has released them. */
  readonly bindAfter: Promise<unknown> | undefined
  readonly modes: readonly Mode[]
  readonly choices: StartChoices
  /** Aborted with a failure when this process has to end because of it. */
  readonly fatal: AbortController
  /** Milliseconds since 1970. */
  readonly startedAt: number
}
