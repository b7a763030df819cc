import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type Log } from '../model/log.js'
import { KubeProxy } from './kube-proxy.js'

/** Runs a proxy until SIGTERM or SIGINT; a second signal cuts the drain short. */
export async function runUntilSignal(config: KubeProxyConfig, log: Log): Promise<void> {
  const stop = new AbortController()
  const forceStop = new AbortController()
  const onSignal = (signal: NodeJS.Signals): void => {
    log.info(0, 'Signal received', { signal })
    if (stop.signal.aborted) forceStop.abort()
    stop.abort()
  }
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  const stopped = new Promise<undefined>(resolve => stop.signal.addEventListener('abort', () => resolve(undefined)))
  // Told to stop before there was anything to stop: what the start waits for is not waited for.
  const proxy = await Promise.race([KubeProxy.create(config, log), stopped])
  await proxy?.run(stop.signal, forceStop.signal)
}
