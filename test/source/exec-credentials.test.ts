import { X509Certificate } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { type RequestOptions } from 'node:https'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ExecCredentials } from '../../lib/source/exec-credentials.js'
import { MetricRegistry } from '../../lib/observe/metric-registry.js'
import { ExecMetrics } from '../../lib/observe/exec-metrics.js'
import { makeCertificate } from '../support/processes/installed-proxy.js'
import { failStarts } from '../support/processes/fail-starts.js'
import { type ExecPlugin, type KubeCluster } from '../../lib/source/read-kubeconfig.js'

const API_VERSION = 'client.authentication.k8s.io/v1'
const CLUSTER: KubeCluster = { name: 'c', server: 'https://10.0.0.1:6443', skipTLSVerify: false, caData: 'Q0E=' }

/** A command that records each run and its KUBERNETES_EXEC_INFO, and prints the content of a file. */
function setUp(t: Test, changes: Partial<ExecPlugin> = {}) {
  const folder = t.testdir({})
  const file = (name: string) => join(folder, name)
  writeFileSync(
    file('login'),
    `#!/bin/sh\necho "$@" >> ${file('runs')}\nprintf %s "$KUBERNETES_EXEC_INFO" > ${file('info')}\ncat ${file('output')}\n`,
  )
  chmodSync(file('login'), 0o755)
  const print = (status: object) =>
    writeFileSync(file('output'), JSON.stringify({ apiVersion: API_VERSION, kind: 'ExecCredential', status }))
  const plugin = {
    apiVersion: API_VERSION,
    command: file('login'),
    args: ['get', 'token'],
    env: {},
    providesClusterInfo: false,
    ...changes,
  }
  let now = Date.parse('2026-01-01T00:00:00Z')
  const registry = new MetricRegistry()
  const credentials = new ExecCredentials(plugin, CLUSTER, new ExecMetrics(registry, () => now), () => now)
  return {
    credentials,
    /** The lines of the metrics that have a value. */
    metrics: async () =>
      (await registry.print()).flatMap(text =>
        text.split('\n').filter(line => !/^#|_bucket/.test(line) && line !== ''),
      ),
    setTime: (time: number) => (now = time),
    print,
    file,
    advance: (ms: number) => (now += ms),
    runs: () => (existsSync(file('runs')) ? readFileSync(file('runs'), 'utf8').trimEnd().split('\n') : []),
    token: async (request: RequestOptions = {}) => {
      request.headers = { Accept: 'application/json' }
      await credentials.apply(request)
      return (request.headers as Record<string, string>)['Authorization']
    },
  }
}

t.test('one run of the command serves all requests until the server refuses its credentials', async t => {
  const { credentials, print, token, runs } = setUp(t)
  print({ token: 'first' })
  t.strictSame(await Promise.all([token(), token(), token()]), Array(3).fill('Bearer first'), 'at the same time')
  const refused: RequestOptions = {}
  const refusedLater: RequestOptions = {}
  t.equal(await token(refused), 'Bearer first', 'and later')
  t.equal(await token(refusedLater), 'Bearer first')
  t.strictSame(runs(), ['get token'])
  print({ token: 'second' })
  credentials.discard(refused)
  t.equal(await token(), 'Bearer second')
  credentials.discard(refusedLater)
  t.equal(await token(), 'Bearer second', 'the refusal was about the first ones')
  t.equal(runs().length, 2)
})

t.test('credentials with an expiry are used until then', async t => {
  const { print, token, runs, advance } = setUp(t)
  print({ token: 'short', expirationTimestamp: '2026-01-01T00:10:00Z' })
  await token()
  advance(599_999)
  await token()
  t.equal(runs().length, 1)
  advance(1)
  await token()
  t.equal(runs().length, 2)
})

t.test('a client certificate is added with its key', async t => {
  const { credentials, print } = setUp(t)
  const { pem } = makePem(t)
  print({ clientCertificateData: pem, clientKeyData: 'KEY' })
  const request: RequestOptions = {}
  await credentials.apply(request)
  t.match(request, { cert: pem, key: 'KEY' })
})

t.test(
  'metrics show how long a client certificate is valid, and how old one was that the command replaced',
  async t => {
    const { print, token, metrics, setTime } = setUp(t)
    const [first, second] = [makePem(t), makePem(t)]
    const expectMetrics = async (ttl: string, count: number, sum: number) =>
      t.strictSame(
        (await metrics()).filter(line => !line.includes('call_total')),
        [
          `rest_client_exec_plugin_certificate_rotation_age_sum ${sum}`,
          `rest_client_exec_plugin_certificate_rotation_age_count ${count}`,
          `rest_client_exec_plugin_ttl_seconds ${ttl}`,
        ],
      )
    await expectMetrics('+Inf', 0, 0)
    const renewAt = async (time: number, status: object) => {
      setTime(time)
      print({ ...status, expirationTimestamp: new Date(time + 1000).toISOString() })
      await token()
    }
    const withCertificate = (pem: string) => ({ clientCertificateData: pem, clientKeyData: 'KEY' })
    await renewAt(first.from + 60_000, withCertificate(first.pem))
    await expectMetrics(String((first.to - first.from) / 1000 - 60), 0, 0)
    await renewAt(first.from + 120_000, withCertificate(first.pem))
    await expectMetrics(String((first.to - first.from) / 1000 - 120), 0, 0)
    await renewAt(first.from + 180_000, withCertificate(second.pem))
    await expectMetrics(String((second.to - first.from) / 1000 - 180), 1, 180)
    setTime(second.to + 5000)
    await expectMetrics('-5', 1, 180)
    await renewAt(second.from + 200_000, { token: 'tok' })
    await expectMetrics('+Inf', 2, 380)
  },
)

t.test('metrics count runs of the command by how they ended', async t => {
  const { print, token, file, metrics } = setUp(t)
  const expectCalls = async (...lines: readonly string[]) =>
    t.strictSame(
      (await metrics()).filter(line => line.includes('call_total')),
      lines.map(line => `rest_client_exec_plugin_call_total{${line}`),
    )
  await expectCalls()
  writeFileSync(file('output'), 'no JSON')
  await t.rejects(token())
  const wrongOutput = 'code="0",call_status="no_error"} 1'
  await expectCalls(wrongOutput)
  const failed = 'code="3",call_status="plugin_execution_error"} 1'
  const killed = (times: number) => `code="-1",call_status="plugin_execution_error"} ${times}`
  for (const [program, ...lines] of [
    ['exit 3', wrongOutput, failed],
    ['kill -TERM $$', wrongOutput, failed, killed(1)],
    // More than a command may write.
    ['while echo 0123456789012345678901234567890123456789; do :; done', wrongOutput, failed, killed(2)],
  ] as const) {
    writeFileSync(file('login'), `#!/bin/sh\n${program}\n`)
    await t.rejects(token())
    await expectCalls(...lines)
  }
  chmodSync(file('login'), 0o644)
  await t.rejects(token())
  const missing = 'code="1",call_status="plugin_not_found_error"} 1'
  await expectCalls(wrongOutput, failed, killed(2), missing)
  chmodSync(file('login'), 0o755)
  const allowStarts = failStarts(t)
  await t.rejects(token())
  const notStarted = 'code="1",call_status="client_internal_error"} 1'
  await expectCalls(wrongOutput, failed, killed(2), missing, notStarted)
  allowStarts()
  writeFileSync(file('login'), `#!/bin/sh\ncat ${file('output')}\n`)
  print({ token: 'tok' })
  await token()
  await expectCalls('code="0",call_status="no_error"} 2', failed, killed(2), missing, notStarted)
})

/** A client certificate with its validity. */
function makePem(t: Test) {
  const pem = readFileSync(makeCertificate(t).certificate, 'utf8')
  const { validFrom, validTo } = new X509Certificate(pem)
  return { pem, from: Date.parse(validFrom), to: Date.parse(validTo) }
}

t.test('the command learns the cluster if the kubeconfig says so', async t => {
  const { print, token, file } = setUp(t, { providesClusterInfo: true, clusterConfig: { audience: 'a' } })
  print({ token: 'tok' })
  await token()
  t.same(JSON.parse(readFileSync(file('info'), 'utf8')), {
    apiVersion: API_VERSION,
    kind: 'ExecCredential',
    spec: {
      interactive: false,
      cluster: { server: CLUSTER.server, 'certificate-authority-data': 'Q0E=', config: { audience: 'a' } },
    },
  })
  const other = setUp(t)
  other.print({ token: 'tok' })
  await other.token()
  t.same(JSON.parse(readFileSync(other.file('info'), 'utf8')), {
    apiVersion: API_VERSION,
    kind: 'ExecCredential',
    spec: { interactive: false },
  })
})

t.test('a command that does not exist is reported with the install hint', async t => {
  const installHint = 'Install it with: apt-get install login-tool'
  const { token } = setUp(t, { command: 'no-such-login-tool', installHint })
  await t.rejects(token(), {
    code: 'KUBECONFIG_INVALID',
    message: 'The exec command "no-such-login-tool" does not exist',
    hint: installHint,
  })
})

t.test(
  'a command that fails is reported with its message, but without its arguments, variables and last token',
  async t => {
    const { credentials, print, token, file } = setUp(t, {
      args: ['login', '--client-secret=kTqv7Xw91', 'p4ssw0rd"x'],
      env: { LOGIN_KEY: 'envS3cret/+' },
    })
    print({ token: 'lastT0ken77' })
    const refused: RequestOptions = {}
    await token(refused)
    credentials.discard(refused)
    writeFileSync(
      file('login'),
      `#!/bin/sh\necho "flag not defined: $2 and $3; key $LOGIN_KEY, token lastT0ken77; no such host" >&2\nexit 3\n`,
    )
    await t.rejects(token(), {
      code: 'KUBECONFIG_INVALID',
      message: `The exec command ${JSON.stringify(file('login'))} failed: flag not defined: [redacted] and [redacted]; key [redacted], token [redacted]; no such host`,
    })
  },
)

t.test('wrong output is reported, and the next request runs the command again', async t => {
  const { print, token, runs, file } = setUp(t)
  const table: readonly (readonly [output: string, message: RegExp])[] = [
    ['a-secret-token', /^the output is not JSON$/],
    ['{}', /neither a token nor a certificate/],
    [JSON.stringify({ apiVersion: API_VERSION, status: { clientCertificateData: 'CERT' } }), /with its key/],
    [
      JSON.stringify({ apiVersion: API_VERSION, status: { clientCertificateData: 'CERT', clientKeyData: 'KEY' } }),
      /^status.clientCertificateData is not a certificate, expected PEM$/,
    ],
    [JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1beta1', status: {} }), /v1beta1", expected ".*v1"/],
  ]
  for (const [output, message] of table) {
    writeFileSync(file('output'), output)
    await t.rejects(token(), { code: 'KUBECONFIG_INVALID', cause: { message } }, output)
  }
  print({ token: 'tok' })
  t.equal(await token(), 'Bearer tok')
  t.equal(runs().length, table.length + 1)
})

t.test('a command that fails without a message is reported by how it ended, without its arguments', async t => {
  const { credentials, file } = setUp(t, { args: ['--secret', 'kTqv7Xw91'] })
  for (const [program, reason] of [
    ['exit 3', /failed: exit code 3, no message$/],
    ['kill -TERM $$', /failed: it was ended by SIGTERM$/],
    ['while echo 0123456789; do :; done', /failed: more than 1048576 bytes of output$/],
  ] as const) {
    writeFileSync(file('login'), `#!/bin/sh\n${program}\n`)
    await t.rejects(credentials.apply({}), { code: 'KUBECONFIG_INVALID', message: reason })
  }
})

t.test('a command that the system does not start is reported, and the next request tries again', async t => {
  const { credentials, print, token } = setUp(t)
  print({ token: 'first' })
  const allowStarts = failStarts(t)
  await t.rejects(credentials.apply({}), { code: 'KUBECONFIG_INVALID', message: /failed: it cannot start: E2BIG$/ })
  allowStarts()
  t.equal(await token(), 'Bearer first')
})
