import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type Log } from '../model/log.js'
import { type Mode } from '../modes/mode.js'
import { createKlog } from '../observe/klog.js'

/** What `createKubeProxy` makes a proxy from. */
export interface CreateKubeProxyOptions {
  /** From `readConfig`, without problems. */
  readonly config: KubeProxyConfig
  /** Left out: klog lines on standard error, up to `config.verbosity`. */
  readonly log?: Log
  /** The modes that `config.modes` chooses from; left out: those of the registry, MODES. */
  readonly modes?: readonly Mode[]
}

/** A proxy that has been put together and has not written any rule yet. */
export interface CreatedKubeProxy {
  /**
   * Serves until `stop` is aborted. Then open connections may continue until `config.drainTimeout` has passed or `forceStop` is
   * aborted. `config.onExit` says what serves new ones, and what happens to the rules.
   * @throws ProxyFailure when the source of objects can never work, or the Node was deleted
   */
  run(stop: AbortSignal, forceStop?: AbortSignal): Promise<void>
}

/**
 * Creates the proxy that the command `kube-proxy` runs, without its signals and its exit code. It reads what an earlier process
 * left in the kernel, and needs root like the command.
 * @throws ProxyFailure when a part can never work here: no iptables, no permission, no usable kubeconfig
 */
export async function createKubeProxy({ config, log, modes }: CreateKubeProxyOptions): Promise<CreatedKubeProxy> {
  // Loaded late: programs that use other parts of this library need not wait for all of the proxy.
  const { KubeProxy } = await import('./kube-proxy.js')
  const proxy = await KubeProxy.create(
    config,
    log ?? createKlog({ verbosity: config.verbosity, format: config.logFormat }),
    modes,
  )
  return { run: (stop, forceStop = new AbortController().signal) => proxy.run(stop, forceStop) }
}
