import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type Log } from '../model/log.js'
import { KubeProxy } from './kube-proxy.js'

/** Runs a proxy until SIGTERM or SIGINT; a second signal cuts the drain short. */
export async function runUntilSignal(config: KubeProxyConfig, log: Log): Promise<void> {
  const stop = new AbortController()
  const cutOff = new AbortController()
  const onSignal = (signal: NodeJS.Signals): void => {
    log.info(0, 'Signal received', { signal })
    if (stop.signal.aborted) cutOff.abort()
    stop.abort()
  }
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  const proxy = await KubeProxy.create(config, log)
  await proxy.run(stop.signal, cutOff.signal)
}
