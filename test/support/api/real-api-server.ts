import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const TOKEN = 'admintoken'
/** A loaded machine needs several times the usual 10 s. */
const START_TIMEOUT_MS = 90_000

/** The reason why no real API server can start here, or false: for the `skip` option of a test. */
export function realApiServerUnavailable(): string | false {
  const assets = process.env['KUBEBUILDER_ASSETS']
  if (assets === undefined || assets === '')
    return 'KUBEBUILDER_ASSETS is not set to a folder with etcd and kube-apiserver'
  const missing = ['etcd', 'kube-apiserver'].filter(program => !existsSync(join(assets, program)))
  return missing.length === 0 ? false : `KUBEBUILDER_ASSETS has no ${missing.join(' and no ')}`
}

/**
 * A real etcd and kube-apiserver on loopback, with a temporary store. Needs the
 * programs in the folder that KUBEBUILDER_ASSETS names, and openssl.
 */
export class RealApiServer {
  readonly url: string
  /** A kubeconfig of a cluster administrator. */
  readonly kubeconfigPath: string
  readonly #directory: string
  readonly #ports: { readonly etcd: number; readonly peer: number; readonly api: number; readonly aside: number }
  #etcd: ChildProcess | undefined
  #api: ChildProcess | undefined
  /** The last output of both programs, to show if they do not start. */
  #output = ''
  /** The current address of the kube-apiserver. */
  #port: number

  private constructor(directory: string, ports: { etcd: number; peer: number; api: number; aside: number }) {
    this.#directory = directory
    this.#ports = ports
    this.#port = ports.api
    this.url = `https://127.0.0.1:${ports.api}`
    this.kubeconfigPath = join(directory, 'kubeconfig')
  }

  /** Starts both; takes some 10 s. `flags` are additional flags of the kube-apiserver. */
  static async start(flags: readonly string[] = []): Promise<RealApiServer> {
    const [etcd, peer, api, aside] = await freePorts(4)
    const ports = { etcd: etcd!, peer: peer!, api: api!, aside: aside! }
    const server = new RealApiServer(mkdtempSync(join(tmpdir(), 'real-api-')), ports)
    try {
      server.#prepare()
      await server.#startEtcd()
      await server.startApi({ flags })
    } catch (error) {
      await server.stop()
      throw error
    }
    return server
  }

  /** Sends a request as administrator; resolves with any status and the body. */
  async request(method: string, path: string, body?: object): Promise<{ status: number; body: unknown }> {
    const patch = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
    const request = https.request(`https://127.0.0.1:${this.#port}${path}`, {
      method,
      rejectUnauthorized: false,
      headers: { Authorization: `Bearer ${TOKEN}`, 'Content-Type': patch, Connection: 'close' },
    })
    request.end(body === undefined ? undefined : JSON.stringify(body))
    const [response] = (await once(request, 'response')) as [AsyncIterable<Buffer> & { statusCode: number }]
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString('utf8')
    return { status: response.statusCode, body: text.startsWith('{') ? (JSON.parse(text) as unknown) : text }
  }

  /** Like `request`, but rejects unless the status is 2xx. */
  async requestOk(method: string, path: string, body?: object): Promise<unknown> {
    const answer = await this.request(method, path, body)
    if (answer.status < 200 || answer.status > 299) {
      throw new Error(`${method} ${path} returned ${answer.status}: ${JSON.stringify(answer.body)}`)
    }
    return answer.body
  }

  /**
   * Starts the kube-apiserver again after `killApi`, on the same store; resolves when it is ready. `aside` puts it on another
   * port that only `request` knows, to change objects while clients of `url` cannot reach it.
   */
  async startApi({ flags = [], aside = false }: { flags?: readonly string[]; aside?: boolean } = {}): Promise<void> {
    this.#port = aside ? this.#ports.aside : this.#ports.api
    const file = (name: string) => join(this.#directory, name)
    this.#api = this.#spawn('kube-apiserver', [
      `--etcd-servers=http://127.0.0.1:${this.#ports.etcd}`,
      '--service-cluster-ip-range=10.96.0.0/12',
      `--cert-dir=${file('certificates')}`,
      `--secure-port=${this.#port}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--token-auth-file=${file('tokens.csv')}`,
      '--authorization-mode=RBAC',
      `--service-account-signing-key-file=${file('sa.key')}`,
      `--service-account-key-file=${file('sa.key')}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      '--api-audiences=api',
      '--disable-admission-plugins=ServiceAccount',
      '--allow-privileged',
      // So that only the writes of the test happen.
      '--endpoint-reconciler-type=none',
      ...flags,
    ])
    await this.#waitUntilReady(this.#api, async () => {
      const paths = ['/readyz', '/api/v1/namespaces/default']
      // The server creates the namespace shortly after it reports ready.
      const answers = await Promise.all(paths.map(path => this.request('GET', path)))
      return answers.every(({ status }) => status === 200)
    })
  }

  /** Kills the kube-apiserver. */
  async killApi(): Promise<void> {
    await stopProcess(this.#api, 'SIGKILL')
    this.#api = undefined
  }

  /** Keeps a copy of the store. etcd is away for a moment. */
  async backUpStore(): Promise<void> {
    await stopProcess(this.#etcd, 'SIGTERM')
    cpSync(join(this.#directory, 'etcd'), join(this.#directory, 'etcd-backup'), { recursive: true })
    await this.#startEtcd()
  }

  /** Starts both programs again with the store of the last `backUpStore`: objects and resource versions are those of that time. */
  async restoreStore(): Promise<void> {
    await this.killApi()
    await stopProcess(this.#etcd, 'SIGTERM')
    rmSync(join(this.#directory, 'etcd'), { recursive: true })
    cpSync(join(this.#directory, 'etcd-backup'), join(this.#directory, 'etcd'), { recursive: true })
    await this.#startEtcd()
    await this.startApi()
  }

  /** Stops both programs and removes their files. */
  async stop(): Promise<void> {
    await this.killApi()
    await stopProcess(this.#etcd, 'SIGKILL')
    rmSync(this.#directory, { recursive: true, force: true })
  }

  #prepare(): void {
    const { kubeconfigPath, url } = this
    const file = (name: string) => join(this.#directory, name)
    writeFileSync(file('tokens.csv'), `${TOKEN},admin,admin,system:masters\n`)
    execFileSync('openssl', ['genrsa', '-out', file('sa.key'), '2048'], { stdio: 'pipe' })
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
      clusters: [{ name: 'test', cluster: { server: url, 'certificate-authority': 'certificates/apiserver.crt' } }],
      users: [{ name: 'admin', user: { token: TOKEN } }],
    }
    writeFileSync(kubeconfigPath, JSON.stringify(config))
  }

  async #startEtcd(): Promise<void> {
    const client = `http://127.0.0.1:${this.#ports.etcd}`
    const peer = `http://127.0.0.1:${this.#ports.peer}`
    this.#etcd = this.#spawn('etcd', [
      `--data-dir=${join(this.#directory, 'etcd')}`,
      '--unsafe-no-fsync',
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
    ])
    await this.#waitUntilReady(this.#etcd, async () => (await fetch(`${client}/health`)).ok)
  }

  #spawn(program: string, flags: readonly string[]): ChildProcess {
    const path = join(process.env['KUBEBUILDER_ASSETS'] ?? '', program)
    const child = spawn(path, flags, { cwd: this.#directory, stdio: ['ignore', 'pipe', 'pipe'] })
    const keep = (chunk: Buffer) => (this.#output = (this.#output + chunk.toString()).slice(-4000))
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    // No end of this process may leave a server behind.
    const kill = () => child.kill('SIGKILL')
    process.on('exit', kill)
    child.on('exit', () => process.off('exit', kill))
    return child
  }

  /** The server has no event to wait for, so this polls. */
  async #waitUntilReady(child: ChildProcess, isReady: () => Promise<boolean>): Promise<void> {
    const limit = Date.now() + START_TIMEOUT_MS
    while (!(await isReady().catch(() => false))) {
      if (child.exitCode !== null || Date.now() > limit) {
        throw new Error(
          `${child.spawnfile} is not ready, exit code ${child.exitCode}; its last output: ${this.#output}`,
        )
      }
      await delay(100)
    }
  }
}

async function stopProcess(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map(server => once(server, 'listening')))
  const ports = servers.map(server => (server.address() as AddressInfo).port)
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
  return ports
}
