import { connect } from 'node:net'
import { text as readText } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { startHealthServer } from '../../lib/observe/health-server.js'
import { type HttpListener } from '../../lib/observe/http-listener.js'
import { startMetricsServer } from '../../lib/observe/metrics-server.js'
import { ProxierHealth } from '../../lib/observe/proxier-health.js'
import { ProxyHealth } from '../../lib/observe/proxy-health.js'
import { SliMetrics } from '../../lib/observe/sli-metrics.js'
import { exchange } from '../observe/http-exchange.js'
import { addToCorpus, readCorpus } from '../support/checks/corpus.js'
import { mutateText } from '../support/checks/mutate-text.js'
import { seededRandom, testSeed } from '../support/checks/seeded-random.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { RecordingLog } from '../support/log/recording-log.js'

/** Requests to each port. `FUZZ_RUNS=100000` looks longer. */
const RUNS = Math.ceil(Number(process.env['FUZZ_RUNS'] ?? 1000) / 2)
const SEED = testSeed()
const CORPUS = 'http-request'
const clock = new ManualClock()
/** Profiles are not the subject here, only how they are asked for. */
const NO_PROFILE = new Error('this test makes no profiles')

const PORTS: Readonly<Record<string, (log: RecordingLog) => HttpListener>> = {
  'health checks': log =>
    startHealthServer({
      address: '127.0.0.1:0',
      health: new ProxyHealth(
        new ProxierHealth({ families: ['IPv4'], timeoutMs: 60_000, startedAt: Date.now(), clock }),
        [],
      ),
      nodeEligible: () => true,
      serving: () => ({ isReady: true, isLeaving: false }),
      observer: { probed: () => undefined, checked: () => undefined },
      clock,
      log,
    }),
  metrics: log =>
    startMetricsServer({
      address: '127.0.0.1:0',
      metrics: { contentType: 'text/plain', text: () => Promise.resolve('up 1\n'), slis: new SliMetrics() },
      proxyMode: 'userspace',
      configz: () => ({ mode: 'userspace' }),
      flags: () => ({ v: '2' }),
      profiles: { workers: [0], take: () => Promise.reject(NO_PROFILE) },
      program: { startedAt: 0, version: '1.2.3', nodeVersion: 'v20.1.0' },
      clock,
      log,
    }),
}

/** What a port replies to the bytes of a client that then ends. */
async function send(address: string, bytes: Buffer): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: Number(address.split(':').at(-1)) })
  socket.end(bytes)
  // A port may reset the connection of a broken request that it has not read to the end.
  return readText(socket).catch(() => '')
}

async function start(t: Test, log: RecordingLog, open: (log: RecordingLog) => HttpListener): Promise<string> {
  const listener = open(log)
  t.teardown(() => listener.close())
  await listener.firstBind
  return listener.boundAddress!
}

for (const [name, open] of Object.entries(PORTS)) {
  t.test(`The port for ${name} survives every request (SEED=${SEED})`, async t => {
    const random = seededRandom(SEED)
    const corpus = readCorpus(CORPUS)
    const log = new RecordingLog()
    const address = await start(t, log, open)
    for (let run = 0; run < RUNS; run++) {
      const text = run < corpus.length ? corpus[run]! : mutateText(corpus[run % corpus.length]!, corpus, random)
      const reply = await send(address, Buffer.from(text))
      const isAlive = (await exchange(address, '/healthz')).status === 200
      // A route that fails is logged, and the client gets 500.
      const failures = log.entries.filter(({ severity, error }) => severity !== 'info' && error !== NO_PROFILE)
      if (isAlive && failures.length === 0) continue
      t.fail(`${reply.slice(0, 60)} ${JSON.stringify(failures)}; the input is in ${addToCorpus(CORPUS, text)}`)
      return
    }
    t.pass('it still replies')
  })
}
