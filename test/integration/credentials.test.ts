import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { makeApiEndpoint, makeApiService, makeApiSlice } from '../support/api/api-objects.js'
import { NODE_IP, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { NodeProcess } from '../support/nodes/node-process.js'
import { childrenOf } from '../support/processes/children-of.js'
import { makeCertificate } from '../support/processes/installed-proxy.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'
import { askPaths, askStatus } from '../support/status/ask-status.js'
import { StatusWatch } from '../support/status/status-watch.js'

const skip =
  namespacesUnavailable ||
  skipUnlessMode(['userspace'], 'other modes have no workers') ||
  (spawnSync('openssl', ['version']).status === 0 ? false : 'openssl is not installed')

/** Of each place in a kubeconfig that may have credentials. */
const SECRETS = {
  token: 'kTqv7-token-Xw91',
  execArgument: 'kTqv7-argument-Xw92',
  execEnvironment: 'kTqv7-environment-Xw93',
  password: 'kTqv7-password-Xw94',
}
const PAGES = [
  'configz',
  'flagz',
  'statusz',
  'metrics',
  'metrics/slis',
  'debug/pprof/heap',
  'debug/pprof/heap?worker=0',
]
/** Prints the bodies of all pages, profiles as the text that is in them. */
const ASK = `
  const { gunzipSync } = await import('node:zlib')
  for (const url of process.argv.slice(1)) {
    const response = await fetch(url)
    const body = Buffer.from(await response.arrayBuffer())
    const text = url.includes('pprof') ? gunzipSync(body).toString('latin1') : body.toString()
    console.log(url, response.status, text)
  }`

/** A command that fails once without a message, and then gives the token that is in its environment. */
const LOGIN = `#!/bin/sh
if [ -e "$0.ran" ]; then printf '{"status": {"token": "%s"}}' "$TOKEN"; else touch "$0.ran"; exit 3; fi
`

t.test('credentials are in no log line, page, profile, Event or process argument', { skip }, async t => {
  const network = await NodeNetwork.create(t)
  const tls = makeCertificate(t)
  const api = new NodeProcess(network, 'api/api-server-entry', ['6443', tls.key, tls.certificate])
  await api.readLine()
  const folder = t.testdir({})
  writeFileSync(join(folder, 'login'), LOGIN)
  chmodSync(join(folder, 'login'), 0o755)
  const kubeconfig = join(folder, 'kubeconfig')
  const exec = {
    command: './login',
    args: ['--secret', SECRETS.execArgument],
    env: [
      { name: 'TOKEN', value: SECRETS.token },
      { name: 'OTHER', value: SECRETS.execEnvironment },
    ],
  }
  const server = `https://me:${SECRETS.password}@127.0.0.1:6443`
  const config = {
    'current-context': 'here',
    contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { exec } }],
  }
  writeFileSync(kubeconfig, JSON.stringify(config))
  const basic = Buffer.from(`me:${SECRETS.password}`).toString('base64')
  const secrets = [...Object.values(SECRETS), basic]

  await api.sendCommand({
    refuse: { requests: 2, status: 500, body: `Authorization: Bearer ${SECRETS.token}` },
    put: [
      ['nodes', { metadata: { name: 'node-a' }, status: { addresses: [{ type: 'InternalIP', address: NODE_IP }] } }],
      ['services', makeApiService({})],
      // Two Services with one health check port: an Event is written.
      ...['first', 'second'].map((name, index) => [
        'services',
        makeApiService({
          name,
          clusterIP: `10.96.1.${index}`,
          spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 32_100 },
        }),
      ]),
      ['endpointslices', makeApiSlice({ endpoints: [makeApiEndpoint('10.244.0.9')] })],
    ],
  })
  // The path of a socket is short.
  const socketFolder = mkdtempSync(join(tmpdir(), 'status-'))
  t.teardown(() => rmSync(socketFolder, { recursive: true }))
  const socket = join(socketFolder, 'sock')
  const flags = ['-v=9', '--profiling', '--on-exit=kernel', '--kubeconfig', kubeconfig, '--hostname-override', 'node-a']
  const proxy = new ProxyProcess(network, [...flags, '--status-socket', socket])
  await proxy.waitForLine(/Synced rules" family="IPv4" changed=true/)
  const event = await api.sendCommand({ event: 'FailedToStartServiceHealthcheck' })
  const urls = PAGES.map(page => `http://127.0.0.1:10249/${page}`)
  const pages = await network.node.run(process.execPath, ['--input-type=module', '--eval', ASK, ...urls])
  const paths = await askPaths(socket)
  const status = await Promise.all(paths.map(path => askStatus(socket, path)))
  const watch = await StatusWatch.open(t, socket)
  await api.sendCommand({ put: [['services', makeApiService({ name: 'later', clusterIP: '10.96.1.9' })]] })
  const watched = await watch.next('sync', () => true)
  const pids = [proxy.child.pid!, ...childrenOf(proxy.child.pid!)]
  const processes = pids.map(pid => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
  t.ok(processes.length > 2, 'worker and failover process')
  t.equal(await proxy.stop(), 0)

  const log = proxy.lines.join('\n')
  t.match(log, 'exit code 3', 'the failure of the command is reported')
  t.match(log, '[redacted]', 'a response that quotes the request is reported')
  for (const page of PAGES) t.match(pages.stdout, `/${page} 200 `)
  t.ok(
    paths.length > 5 && status.every(answer => answer.status === 200),
    `${paths.length} answers on the status socket`,
  )
  const places = {
    log,
    event,
    pages: pages.stdout,
    processes: processes.join('\n'),
    status: JSON.stringify([status, watched]),
  }
  for (const [place, text] of Object.entries(places))
    for (const secret of secrets) t.notOk(text.includes(secret), `${secret} is not in: ${place}`)
})
