import { type ExecFileException, execFile } from 'node:child_process'
import { type RequestOptions } from 'node:https'
import { ProxyFailure, systemCode } from '../model/failure.js'
import { quoteValue, shorten } from '../primitives/quote-value.js'
import { type ExecObserver, TOO_MUCH_OUTPUT, execOutcome } from './exec-outcome.js'
import { type ExecCredential, parseExecCredential } from './parse-exec-credential.js'
import { type ExecPlugin, type KubeCluster } from './read-kubeconfig.js'
import { redactAll } from './redact-secrets.js'

/** A command that takes longer is ended. */
const TIMEOUT_MS = 60_000
const MAX_OUTPUT_BYTES = 1024 * 1024

/**
 * Credentials from the command of a kubeconfig (`exec`; Kubernetes documents it as "client-go credential plugins"). One run serves all
 * requests until its credentials expire or the API server refuses them.
 */
export class ExecCredentials {
  readonly #plugin: ExecPlugin
  readonly #cluster: KubeCluster
  readonly #observer: ExecObserver | undefined
  readonly #now: () => number
  #current: ExecCredential | undefined
  /** What each request was sent with. */
  readonly #applied = new WeakMap<RequestOptions, ExecCredential>()
  #run: Promise<ExecCredential> | undefined

  /** @param now milliseconds since 1970 */
  constructor(plugin: ExecPlugin, cluster: KubeCluster, observer?: ExecObserver, now: () => number = Date.now) {
    this.#plugin = plugin
    this.#cluster = cluster
    this.#observer = observer
    this.#now = now
  }

  /** Adds the credentials to a request. @throws ProxyFailure `KUBECONFIG_INVALID` */
  async apply(request: RequestOptions): Promise<void> {
    const credential = await this.#get()
    this.#applied.set(request, credential)
    const { token, cert, key } = credential
    if (cert !== undefined) Object.assign(request, { cert, key })
    if (token !== undefined) request.headers = { ...(request.headers as object), Authorization: `Bearer ${token}` }
  }

  /**
   * The API server refused the credentials of a request: the next request runs the command again. Several requests may have had the
   * same ones, and the refusal of the last of them may come when there are new ones already.
   */
  discard(refused: RequestOptions): void {
    if (this.#current === undefined || this.#applied.get(refused) !== this.#current) return
    // Known on, so that a message of the command does not contain them.
    this.#current = { ...this.#current, expiresAt: 0 }
  }

  async #get(): Promise<ExecCredential> {
    if (this.#current !== undefined && this.#current.expiresAt > this.#now()) return this.#current
    this.#run ??= this.#renew().finally(() => (this.#run = undefined))
    return this.#run
  }

  async #renew(): Promise<ExecCredential> {
    const before = this.#current
    const current = await this.#runCommand()
    this.#current = current
    if (before?.certValidity !== undefined && before.cert !== current.cert)
      this.#observer?.certificateReplaced(this.#now() - before.certValidity.from)
    this.#observer?.certificateInUse(current.certValidity?.to)
    return current
  }

  #runCommand(): Promise<ExecCredential> {
    const { command, args, env, installHint, apiVersion } = this.#plugin
    const environment = { ...process.env, ...env, KUBERNETES_EXEC_INFO: this.#buildInfo() }
    const options = { env: environment, timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES }
    return new Promise((resolve, reject) => {
      const onEnd = (error: ExecFileException | null, stdout: string, stderr: string): void => {
        this.#observer?.ran(execOutcome(error))
        if (error === null) {
          try {
            return resolve(parseExecCredential(stdout, apiVersion))
          } catch (cause) {
            return reject(this.#fail('returned no ExecCredential', { cause }))
          }
        }
        const isMissing = systemCode(error) === 'ENOENT'
        const problem = isMissing
          ? 'does not exist'
          : `failed: ${shorten(this.#redact(stderr.trim()) || reasonOf(error))}`
        return reject(this.#fail(problem, isMissing ? { hint: installHint } : {}))
      }
      try {
        execFile(command, args, options, onEnd)
      } catch (error) {
        // Without memory, for example, Node.js throws instead of calling back.
        onEnd(error as ExecFileException, '', '')
      }
    })
  }

  /** Commands quote their arguments and variables in messages, and these may be credentials. */
  #redact(message: string): string {
    const { args, env } = this.#plugin
    const values = args.flatMap(argument => [argument, argument.slice(argument.indexOf('=') + 1)])
    const { token, key } = this.#current ?? {}
    const secrets = [...values, ...Object.values(env), token ?? '', key ?? '']
    // The longest first: one may be a part of another.
    return redactAll(
      message,
      secrets.sort((one, other) => other.length - one.length),
    )
  }

  #buildInfo(): string {
    const { apiVersion, providesClusterInfo, clusterConfig } = this.#plugin
    const { server, tlsServerName, skipTLSVerify, caData, proxyUrl } = this.#cluster
    const cluster = {
      server,
      'tls-server-name': tlsServerName,
      'insecure-skip-tls-verify': skipTLSVerify || undefined,
      'certificate-authority-data': caData,
      'proxy-url': proxyUrl,
      config: clusterConfig,
    }
    const spec = { interactive: false, ...(providesClusterInfo && { cluster }) }
    return JSON.stringify({ apiVersion, kind: 'ExecCredential', spec })
  }

  #fail(problem: string, { cause, hint }: { cause?: unknown; hint?: string | undefined }): ProxyFailure {
    return new ProxyFailure('KUBECONFIG_INVALID', `The exec command ${quoteValue(this.#plugin.command)} ${problem}`, {
      cause,
      hint: hint ?? 'Run the command by hand, with the environment and arguments of the kubeconfig',
    })
  }
}

/** The message of the error quotes the arguments of the command, which may be credentials. */
function reasonOf({ code, signal, killed }: ExecFileException): string {
  // The exit code is a number, and this one the code of the system: no process has run.
  if (code === TOO_MUCH_OUTPUT) return `more than ${MAX_OUTPUT_BYTES} bytes of output`
  if (typeof code === 'string') return `it cannot start: ${code}`
  if (killed === true) return `no result within ${TIMEOUT_MS / 1000} s`
  return signal === undefined || signal === null ? `exit code ${code}, no message` : `it was ended by ${signal}`
}
