import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type Log } from '../model/log.js'
import { type Mode } from '../modes/mode.js'
import { type ConfigReload } from './config-reload.js'
import { CONTROL_TIMEOUT_MS } from './choose-data-plane.js'
import { KubeProxy } from './kube-proxy.js'
import { startTurnWatch } from './start-turn-watch.js'

/**
 * Runs a proxy until SIGTERM or SIGINT. A second signal ends the drain at once.
 * @param modes all modes that `--proxy-mode` may name; left out: those of the registry
 * @param reload follows the configuration file; left out: there is none
 */
export async function runUntilSignal(
  config: KubeProxyConfig,
  log: Log,
  modes?: readonly Mode[],
  reload?: ConfigReload,
): Promise<void> {
  const stop = new AbortController()
  const forceStop = new AbortController()
  const onSignal = (signal: NodeJS.Signals): void => {
    log.info(0, 'Signal received', { signal })
    if (stop.signal.aborted) forceStop.abort()
    stop.abort()
  }
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  const stopped = new Promise<undefined>(resolve => stop.signal.addEventListener('abort', () => resolve(undefined)))
  // A signal during the start ends the program at once, because there is nothing to drain yet.
  const proxy = await Promise.race([KubeProxy.create(config, log, modes), stopped])
  if (proxy === undefined) return
  // Workers cannot kill the first process of their pid namespace.
  if (!proxy.isWatchedByWorkers || process.pid === 1) startTurnWatch(CONTROL_TIMEOUT_MS, config.logFormat, log)
  const ended = new AbortController()
  // The proxy serves on whatever happens to its file.
  reload
    ?.run(config, proxy, AbortSignal.any([stop.signal, ended.signal]))
    .catch((error: unknown) => log.error('The configuration file is no longer followed', error))
  try {
    await proxy.run(stop.signal, forceStop.signal)
  } finally {
    ended.abort()
  }
}
