import { type ChildProcess, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ProgramLog } from '../../../lib/demo/program-log.js'
import { type NodeNetwork, type TeardownScope } from '../nodes/node-network.js'
import { TIMEOUT_FACTOR } from '../nodes/timeout-factor.js'
import { PEER_PORT, type ReceivedAlert } from './prometheus-peer.js'

/** A program of Debian's package `prometheus`, or the path of another one. */
const PROMETHEUS = process.env['PROMETHEUS'] ?? 'prometheus'
/** The reason why tests with Prometheus cannot run here, or false. */
export const prometheusUnavailable =
  spawnSync(PROMETHEUS, ['--version']).error !== undefined && 'needs the program prometheus; PROMETHEUS can name it'

const PORT = 9090
const PEER = fileURLToPath(new URL('prometheus-peer-entry.js', import.meta.url))
/** How long a test waits for a scrape, an answer or an alert, in milliseconds. */
const TIMEOUT_MS = 60_000 * TIMEOUT_FACTOR
const SCRAPE_SECONDS = 1 * TIMEOUT_FACTOR

/** What Prometheus scrapes, and its alert rules. */
export interface PrometheusConfig {
  readonly jobs: readonly object[]
  /** A rules file as an object. */
  readonly rules?: object
}

/** One series of the result of a query. */
export interface QueryResult {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** A Prometheus on a node, which scrapes every second. Its Alertmanager is this test. */
export class PrometheusServer {
  readonly #folder: string
  readonly #program: ChildProcess
  readonly #peer: ChildProcess
  readonly #log: ProgramLog
  #questions = 0

  private constructor(folder: string, program: ChildProcess, peer: ChildProcess, log: ProgramLog) {
    this.#folder = folder
    this.#program = program
    this.#peer = peer
    this.#log = log
  }

  /** Starts one; resolves after its first scrape. */
  static async start(t: TeardownScope, network: NodeNetwork, config: PrometheusConfig): Promise<PrometheusServer> {
    const folder = mkdtempSync(join(tmpdir(), 'kpn-prometheus-'))
    const peer = network.start(network.node, process.execPath, [PEER])
    peer.stderr!.pipe(process.stderr)
    const log = new ProgramLog(peer, peer.stdout!, TIMEOUT_MS)
    await log.waitFor(/^\{"ready"/)
    writeConfig(folder, config)
    const program = network.start(network.node, PROMETHEUS, [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${PORT}`,
      '--log.level=error',
      // After a reload Prometheus finds its Alertmanager only some seconds later, and would send what fires until then after a minute.
      '--rules.alert.resend-delay=1s',
    ])
    program.stderr!.pipe(process.stderr)
    t.teardown(async () => {
      if (program.exitCode === null && program.signalCode === null) {
        program.kill('SIGKILL')
        await once(program, 'exit')
      }
      rmSync(folder, { recursive: true })
    })
    const prometheus = new PrometheusServer(folder, program, peer, log)
    await prometheus.nextScrapes(1)
    return prometheus
  }

  /** Takes another configuration from now on. */
  reload(config: PrometheusConfig): void {
    writeConfig(this.#folder, config)
    this.#program.kill('SIGHUP')
  }

  /** Resolves when each target was scraped so many times more. */
  async nextScrapes(count: number): Promise<void> {
    // All targets have one interval, but not one moment.
    const from = this.#log.lines.length
    const last = this.#log.lines.filter(line => line.startsWith('{"scrape"')).length + count + 1
    await this.#log.waitFor(new RegExp(`^\\{"scrape":${last}\\}`), from)
  }

  /** The data of a response of its API. @throws Error if it is no success */
  async get<T>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<T> {
    const id = ++this.#questions
    const from = this.#log.lines.length
    const url = `http://127.0.0.1:${PORT}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`
    this.#peer.stdin!.write(`${JSON.stringify({ id, url })}\n`)
    const line = await this.#log.waitFor(new RegExp(`^\\{"answer":${id},`), from)
    const { body } = JSON.parse(line) as { readonly body: string }
    const { status, data } = JSON.parse(body) as { readonly status: string; readonly data: T }
    if (status !== 'success') throw new Error(`${path} ${JSON.stringify(parameters)}: ${body}`)
    return data
  }

  /** The result of an expression now. */
  async query(expression: string): Promise<readonly QueryResult[]> {
    const { result } = await this.get<{
      result: readonly { metric: QueryResult['labels']; value: [number, string] }[]
    }>('query', { query: expression })
    return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
  }

  /**
   * The result of an expression once it is good enough, or after so many scrapes.
   * @param beforeScrape makes what the next scrape should see
   */
  async queryUntil(
    expression: string,
    isEnough: (results: readonly QueryResult[]) => boolean,
    maxScrapes: number,
    beforeScrape?: () => Promise<void>,
  ): Promise<readonly QueryResult[]> {
    for (let scrapes = 0; ; scrapes++) {
      const results = await this.query(expression)
      if (scrapes === maxScrapes || isEnough(results)) return results
      await beforeScrape?.()
      await this.nextScrapes(1)
    }
  }

  /** Resolves when an alert with such labels fires, or has fired before. @throws Error after a minute */
  async waitForAlert(name: string, labels: Readonly<Record<string, string>> = {}): Promise<ReceivedAlert> {
    for (let from = 0; ;) {
      const line = await this.#log.waitFor(new RegExp(`^\\{"alert":.*"alertname":"${name}"`), from)
      const { alert } = JSON.parse(line) as { readonly alert: ReceivedAlert }
      if (Object.entries(labels).every(([label, value]) => alert.labels[label] === value)) return alert
      from = this.#log.lines.indexOf(line, from) + 1
    }
  }

  /**
   * The names of the alerts that fire now, once none does, or after so many scrapes. A scrape that a busy machine answers too late makes an
   * alert fire for a moment.
   */
  async alertsThatStay(maxScrapes: number): Promise<readonly string[]> {
    const results = await this.queryUntil('ALERTS{alertstate="firing"}', firing => firing.length === 0, maxScrapes)
    return results.map(({ labels }) => labels['alertname'] ?? '')
  }

  /** The alerts that have fired so far. */
  get alerts(): readonly ReceivedAlert[] {
    const lines = this.#log.lines.filter(line => line.startsWith('{"alert"'))
    return lines.map(line => (JSON.parse(line) as { readonly alert: ReceivedAlert }).alert)
  }
}

function writeConfig(folder: string, { jobs, rules }: PrometheusConfig): void {
  const peer = { targets: [`127.0.0.1:${PEER_PORT}`] }
  const config = {
    global: { scrape_interval: `${SCRAPE_SECONDS}s`, evaluation_interval: `${SCRAPE_SECONDS}s` },
    scrape_configs: [...jobs, { job_name: 'test', static_configs: [peer] }],
    alerting: { alertmanagers: [{ static_configs: [peer] }] },
    rule_files: [join(folder, 'rules.yml')],
  }
  // JSON is YAML.
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config))
  writeFileSync(join(folder, 'rules.yml'), JSON.stringify(rules ?? { groups: [] }))
}
