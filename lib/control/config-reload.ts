import { configChanges } from '../config/config-changes.js'
import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type ReadConfigResult } from '../config/read-config.js'
import { ProxyFailure } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { OnceReporter } from '../primitives/once-reporter.js'
import { watchFile } from '../source/watch-file.js'
import { logNotes } from './load-config.js'
import { quoteValue } from '../primitives/quote-value.js'

/** What a change of the configuration file acts on. */
export interface Reconfigurable {
  /** Uses a configuration that differs in what a running proxy can change. */
  reconfigure(config: KubeProxyConfig): Promise<void>
  /** Ends the proxy because of a failure, with its drain. */
  end(failure: ProxyFailure): void
}

export interface ConfigReloadOptions {
  /** Reads the configuration again, from flags and file. */
  readonly load: () => Promise<ReadConfigResult>
  readonly log: Log & { setVerbosity(verbosity: number): void }
}

/**
 * Follows the configuration file. What can change in a running proxy does; anything else ends the process, and its supervisor starts
 * it again, as with kube-proxy. A file with mistakes changes nothing.
 */
export class ConfigReload {
  readonly #options: ConfigReloadOptions
  readonly #problem = new OnceReporter()

  constructor(options: ConfigReloadOptions) {
    this.#options = options
  }

  /**
   * Follows the file until the signal is aborted, or until a change ends the proxy.
   * @param config the configuration that the proxy uses
   */
  async run(config: KubeProxyConfig, proxy: Reconfigurable, signal: AbortSignal): Promise<void> {
    const { log } = this.#options
    let current = config
    const check = async (): Promise<boolean> => {
      const next = await this.#load()
      if (next === undefined || signal.aborted) return true
      const { live, needRestart } = configChanges(current, next.config)
      if (live.length + needRestart.length === 0) return true
      logNotes(next, log)
      if (needRestart.length > 0) {
        proxy.end(changedFailure(config.configFile, needRestart))
        return false
      }
      current = next.config
      log.setVerbosity(current.verbosity)
      log.info(0, 'Configuration changed', { file: config.configFile, options: live.join(' ') })
      await proxy.reconfigure(current)
      return true
    }
    const changes = await watchFile(config.configFile, signal)
    // The file may have changed while the proxy started.
    if (!(await check())) return
    for await (const _ of changes) if (!(await check())) return
  }

  /** The configuration in the file; undefined if it has mistakes. */
  async #load(): Promise<ReadConfigResult | undefined> {
    const { load, log } = this.#options
    const result = await load().catch((error: unknown) => error)
    const failure = failureOf(result)
    if (failure === undefined) {
      this.#problem.clear()
      return result as ReadConfigResult
    }
    this.#problem.updateOne(`${failure.message} ${String(failure.cause)}`, () =>
      log.error('Configuration file not used: the last good configuration stays', failure),
    )
    return undefined
  }
}

function failureOf(result: unknown): ProxyFailure | undefined {
  if (result instanceof ProxyFailure) return result
  if (result instanceof Error) throw result
  const { problems } = result as ReadConfigResult
  if (problems.length === 0) return undefined
  return new ProxyFailure('CONFIG_INVALID', problems.join('\n'), { hint: 'Correct the file; it is read again' })
}

function changedFailure(file: string, options: readonly string[]): ProxyFailure {
  const message = `The configuration file ${quoteValue(file)} has changed: ${options.join(', ')}`
  return new ProxyFailure('CONFIG_CHANGED', message, {
    hint: 'The supervisor of this process, such as the kubelet or systemd, starts it again with the new configuration',
  })
}
