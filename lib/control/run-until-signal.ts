import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type Log } from '../model/log.js'
import { type Mode } from '../modes/mode.js'
import { CONTROL_TIMEOUT_MS } from './choose-data-plane.js'
import { KubeProxy } from './kube-proxy.js'
import { startTurnWatch } from './start-turn-watch.js'

/**
 * Runs a proxy until SIGTERM or SIGINT. A second signal ends the drain at once.
 * @param modes all modes that `--proxy-mode` may name; left out: those of the registry
 */
export async function runUntilSignal(config: KubeProxyConfig, log: Log, modes?: readonly Mode[]): Promise<void> {
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
  if (proxy?.isWatchedByWorkers === false) startTurnWatch(CONTROL_TIMEOUT_MS)
  await proxy?.run(stop.signal, forceStop.signal)
}
