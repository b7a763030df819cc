import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ProxyFailure, messageOf } from '../../lib/model/failure.js'
import { type KubeClient, createKubeClient } from '../../lib/source/kube-client.js'
import { resolveKubeAccess } from '../../lib/source/kube-access.js'
import { readKubeconfig } from '../../lib/source/read-kubeconfig.js'
import { realClock } from '../../lib/system/real-clock.js'
import { ApiServer } from '../support/api/api-server.js'
import { service, startSource } from './source-under-test.js'

const NEVER_ABORTED = new AbortController().signal

/** A kubeconfig as JSON, which is YAML too. */
function kubeconfig(cluster: object, user: object = {}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'here',
    contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user }],
  })
}

async function failureOf(work: Promise<unknown>): Promise<ProxyFailure> {
  try {
    await work
  } catch (error) {
    if (error instanceof ProxyFailure) return error
    throw error
  }
  throw new Error('It did not fail')
}

t.test('the message for an invalid kubeconfig has its path, the mistake and what was expected', async test => {
  const server = 'https://10.0.0.1:6443'
  const context = { name: 'here', context: { cluster: 'c', user: 'u' } }
  const cluster = { name: 'c', cluster: { server } }
  const cases: [name: string, text: string, message: RegExp][] = [
    ['empty', '', /is empty, expected a kubeconfig/],
    ['comments only', '# nothing\n', /is empty/],
    ['not YAML', 'a: [b', /is not YAML.* line 1: /s],
    ['a token and nothing else', 'a-secret-token', /contains a single value, expected a mapping/],
    ['a list', '[a-secret-token, 2]', /contains a list, expected a mapping/],
    ['no current context', '{"contexts": []}', /has no current-context, expected the name of one of its contexts/],
    [
      'a current context that is not there',
      JSON.stringify({ 'current-context': 'away', contexts: [context] }),
      /has no context "away", which current-context names; it has the contexts "here"/,
    ],
    [
      'no clusters',
      JSON.stringify({ 'current-context': 'here', contexts: [context] }),
      /has no cluster "c", which context "here" names; it has no clusters/,
    ],
    [
      'no user of that name',
      JSON.stringify({ 'current-context': 'here', contexts: [context], clusters: [cluster], users: [] }),
      /has no user "u", which context "here" names/,
    ],
    ['no server', kubeconfig({}), /has no server in cluster "c", expected a URL/],
    [
      'a server that is no URL',
      kubeconfig({ server: 'https://:x' }),
      /server address "https:\/\/:x" of .* is not usable/,
    ],
    ['a server of another kind', kubeconfig({ server: 'ftp://x' }), /server address "ftp:\/\/x"/],
    [
      'a CA file that is not there',
      kubeconfig({ server, 'certificate-authority': 'ca.pem' }),
      /Cannot read ".*ca.pem", which the kubeconfig .* needs/,
    ],
    [
      'a token file that is not there',
      kubeconfig({ server }, { tokenFile: 'token' }),
      /Cannot read ".*token", which the kubeconfig .* needs/,
    ],
    [
      'a CA that is not used',
      kubeconfig({ server, 'certificate-authority-data': 'Q0E=', 'insecure-skip-tls-verify': true }),
      /has insecure-skip-tls-verify beside a certificate-authority in cluster "c", expected one of them/,
    ],
    [
      'groups without a user',
      kubeconfig({ server }, { 'as-groups': ['admins'] }),
      /has as-uid, as-groups or as-user-extra without as in user "u", expected as/,
    ],
    ['an exec without a command', kubeconfig({ server }, { exec: {} }), /has an exec without a command/],
    [
      'an argument of an exec that is no text',
      kubeconfig({ server }, { exec: { command: 'login', args: ['--fast', true] } }),
      /has an exec with the value "true", expected a text: put it in quotes/,
    ],
    [
      'a variable of an exec that is no text',
      kubeconfig({ server }, { exec: { command: 'login', env: [{ name: 'A', value: ['b'] }] } }),
      /has an exec with the value "b", expected a text/,
    ],
    [
      'a client key that is no key',
      kubeconfig({ server }, { 'client-key-data': 'aGFsbG8=' }),
      /The certificates or keys of the kubeconfig .* are not usable/,
    ],
  ]
  const directory = test.testdir({})
  for (const [name, text, message] of cases) {
    const path = join(directory, 'kubeconfig')
    writeFileSync(path, text)
    const failure = await failureOf(createKubeClient({ kubeconfig: path, clock: realClock }))
    test.equal(failure.code, 'KUBECONFIG_INVALID', name)
    test.match(messageOf(failure), message, name)
    test.match(failure.message, path, name)
    test.ok(failure.hint, name)
  }
  const hostile = '\u001b[31mred'
  const named = {
    contexts: [{ context: { cluster: hostile } }],
    clusters: [{ name: hostile, cluster: {} }],
  }
  const [noServer, notYaml] = [join(directory, `one ${hostile}`), join(directory, `two ${hostile}`)]
  writeFileSync(noServer, JSON.stringify(named))
  writeFileSync(notYaml, 'a: [b')
  for (const path of [noServer, notYaml]) {
    const { message, hint } = await failureOf(createKubeClient({ kubeconfig: path, clock: realClock }))
    test.match(message, '\\u001b[31mred')
    test.notMatch(`${message}${hint}`, '\u001b', 'names from outside do not reach a terminal as they are')
  }
  const missing = await failureOf(createKubeClient({ kubeconfig: '/does/not/exist', clock: realClock }))
  test.match(messageOf(missing), /Cannot read the kubeconfig "\/does\/not\/exist".*ENOENT/)
})

t.test('a kubeconfig is read as kubectl reads YAML', test => {
  const text = [
    'current-context: 0120',
    'contexts: [{ name: 80, context: &c { cluster: c } }]',
    'clusters: [{ name: c, cluster: { <<: { server: "https://a" }, insecure-skip-tls-verify: yes } }]',
  ].join('\n')
  test.match(readKubeconfig(text, '/k').cluster, { server: 'https://a', skipTLSVerify: true })
  for (const [endless, mistake] of [
    ['clusters: &c [{ cluster: *c }]', /line 1: the anchor … contains an alias of itself/],
    [`clusters: ${'['.repeat(10_000)}`, /line 1: nested too deep/],
  ] as const)
    test.throws(() => readKubeconfig(endless, '/k'), { code: 'KUBECONFIG_INVALID', cause: { message: mistake } })
  test.end()
})

t.test('a context, cluster and user without a name are those without a name, as in client-go', test => {
  const text = JSON.stringify({
    contexts: [{ context: {} }],
    clusters: [{ cluster: { server: 'https://a' } }],
    users: [{ user: { token: 'tok' } }],
  })
  test.match(readKubeconfig(text, '/k'), {
    cluster: { name: '', server: 'https://a' },
    user: { name: '', token: 'tok' },
  })
  test.end()
})

t.test('a FIFO is refused wherever a file is read, and delays nothing', async test => {
  const directory = test.testdir({ fifo: '', token: 'secret' })
  const fifo = join(directory, 'fifo')
  rmSync(fifo)
  execFileSync('mkfifo', [fifo])
  const path = join(directory, 'kubeconfig')
  const create = (text: string) => {
    writeFileSync(path, text)
    return createKubeClient({ kubeconfig: path, clock: realClock })
  }
  for (const text of [
    kubeconfig({ server: 'https://a', 'certificate-authority': fifo }),
    kubeconfig({ server: 'https://a' }, { tokenFile: fifo }),
    kubeconfig({ server: 'https://a' }, { 'client-certificate': fifo, 'client-key': fifo }),
  ])
    test.match(messageOf(await failureOf(create(text))), /Cannot read ".*fifo", which .*: it is a FIFO/)
  test.match(
    messageOf(await failureOf(createKubeClient({ kubeconfig: fifo, clock: realClock }))),
    /Cannot read the kubeconfig .*: it is a FIFO, expected a regular file/,
  )
  const client = await create(kubeconfig({ server: 'https://127.0.0.1:1' }, { tokenFile: join(directory, 'token') }))
  rmSync(join(directory, 'token'))
  execFileSync('mkfifo', [join(directory, 'token')])
  const failure = await failureOf(client.getJson('/api', NEVER_ABORTED))
  test.match(messageOf(failure), /Cannot get credentials from .*: it is a FIFO/, 'it came after the start')
})

t.test('a kubeconfig that is no text is one failure', async test => {
  const path = join(test.testdir({}), 'kubeconfig')
  writeFileSync(path, Buffer.from([0x61, 0x3a, 0x0a, 0xff, 0xfe]))
  const failure = await failureOf(createKubeClient({ kubeconfig: path, clock: realClock }))
  test.equal(failure.code, 'KUBECONFIG_INVALID')
  test.match(messageOf(failure), /Cannot read the kubeconfig .*: line 2 is not text, expected UTF-8/)
})

t.test('a mistake in an unused entry is ignored', test => {
  const text = JSON.stringify({
    ...(JSON.parse(kubeconfig({ server: 'https://a' })) as object),
    contexts: [{ name: 'here', context: { cluster: 'c' } }, { name: 'broken' }, null],
  })
  test.equal(readKubeconfig(text, '/k').cluster.server, 'https://a')
  test.end()
})

t.test('a user without content has no credentials, as in client-go', test => {
  const text = JSON.stringify({
    'current-context': 'here',
    contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server: 'https://a' } }],
    users: [{ name: 'u', user: null }],
  })
  const { user } = readKubeconfig(text, '/k')
  test.same([user.token, user.username, user.exec], [undefined, undefined, undefined])
  test.end()
})

t.test('all fields of cluster and user are read', test => {
  const { cluster, user, tokenFile } = readKubeconfig(
    kubeconfig(
      {
        server: 'https://a',
        'certificate-authority': 'ca.pem',
        'tls-server-name': 'b',
        'proxy-url': 'http://p',
        extensions: [{ name: 'client.authentication.k8s.io/exec', extension: { audience: 'a' } }],
      },
      {
        'client-certificate': '/abs/cert.pem',
        'client-certificate-data': 'Y2VydA==',
        'client-key': 'key.pem',
        token: ' t\n',
        tokenFile: 'token',
        username: 'me',
        password: 1234,
        as: 'other',
        'as-uid': '7',
        'as-groups': ['admins', 'others'],
        'as-user-extra': { scopes: ['view', 'edit'] },
        exec: {
          command: 'bin/login',
          args: ['token', ''],
          env: [
            { name: 'A', value: 'b' },
            { name: 'B', value: '' },
          ],
          installHint: 'Install it',
          provideClusterInfo: true,
        },
      },
    ),
    '/etc/kube/config',
  )
  test.same(cluster, {
    name: 'c',
    server: 'https://a',
    skipTLSVerify: false,
    caFile: '/etc/kube/ca.pem',
    tlsServerName: 'b',
    proxyUrl: 'http://p',
  })
  test.match(user, {
    certData: 'Y2VydA==',
    certFile: undefined,
    keyFile: '/etc/kube/key.pem',
    token: 't',
    username: 'me',
    password: '1234',
    impersonateUser: 'other',
    impersonateUid: '7',
    impersonateGroups: ['admins', 'others'],
    impersonateExtra: { scopes: ['view', 'edit'] },
    exec: {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: '/etc/kube/bin/login',
      args: ['token', ''],
      env: { A: 'b', B: '' },
      installHint: 'Install it',
      providesClusterInfo: true,
      clusterConfig: { audience: 'a' },
    },
  })
  test.equal(tokenFile, '/etc/kube/token')
  test.end()
})

t.test('--master replaces the server of the kubeconfig, and works without one', async test => {
  const path = join(test.testdir({ kubeconfig: kubeconfig({ 'insecure-skip-tls-verify': true }) }), 'kubeconfig')
  const serverOf = async (options: { kubeconfig?: string; master?: string }) =>
    (await resolveKubeAccess(options)).cluster.server
  test.equal(await serverOf({ kubeconfig: path, master: 'https://m:1/base/' }), 'https://m:1/base')
  test.equal(await serverOf({ kubeconfig: path, master: '10.0.0.1:6443' }), 'https://10.0.0.1:6443')
  test.equal(await serverOf({ kubeconfig: '', master: '10.0.0.1:8080' }), 'http://10.0.0.1:8080')
  test.equal(await serverOf({ master: 'https://[fd00::1]:6443' }), 'https://[fd00::1]:6443')
  test.equal((await failureOf(serverOf({ master: 'http://' }))).code, 'KUBECONFIG_INVALID')
})

t.test('in a Pod the client uses the files of the service account', async test => {
  const serviceAccount = test.testdir({ token: 'tok\n', 'ca.crt': 'pem' })
  const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' }
  const { cluster, tokenFile } = await resolveKubeAccess({ pod: { env, serviceAccount } })
  test.equal(cluster.server, 'https://[fd00::1]:443')
  test.equal(cluster.caFile, join(serviceAccount, 'ca.crt'))
  test.equal(tokenFile, join(serviceAccount, 'token'))

  const outside = await failureOf(resolveKubeAccess({ pod: { env: {}, serviceAccount } }))
  test.equal(outside.code, 'KUBECONFIG_INVALID')
  test.match(outside.message, /neither --kubeconfig nor --master.*KUBERNETES_SERVICE_HOST/)
  test.match(outside.hint, '--kubeconfig=FILE')

  const unmounted = await failureOf(resolveKubeAccess({ pod: { env, serviceAccount: join(serviceAccount, 'gone') } }))
  test.match(unmounted.message, /Cannot read ".*gone\/ca.crt", which the service account in .* needs/)
})

t.test('the client sends no credentials over plain HTTP', async test => {
  const api = await ApiServer.start()
  test.teardown(() => api.stop())
  const directory = test.testdir({ kubeconfig: kubeconfig({ server: api.url }, { token: 'secret' }) })
  const client = await createKubeClient({ kubeconfig: join(directory, 'kubeconfig'), clock: realClock })
  await client.getJson('/apis', NEVER_ABORTED)
  test.equal(api.requests[0]?.headers.authorization, undefined)
})

for (const [name, options, limit] of [
  ['a given limit', { maxBodyBytes: 1_000_000 }, 1_000_000],
  ['the default limit of 256 MiB', {}, 256 * 1024 * 1024],
] as const)
  t.test(`a response without end is a failure at ${name}, and ends the connection`, async test => {
    const piece = Buffer.alloc(256 * 1024, 'x')
    let sent = 0
    const endless = createServer(socket => {
      socket.on('error', () => undefined)
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      const send = (): void => {
        if (socket.destroyed) return
        sent += piece.length
        if (socket.write(piece)) setImmediate(send)
      }
      socket.on('drain', send)
      send()
    }).listen(0, '127.0.0.1')
    await once(endless, 'listening')
    const { port } = endless.address() as AddressInfo
    const client = await createKubeClient({ master: `127.0.0.1:${port}`, clock: realClock, ...options })
    const failure = await failureOf(client.getJson('/apis', NEVER_ABORTED))
    test.equal(failure.code, 'API_UNREACHABLE')
    test.match(failure.message, `the response is longer than ${limit} bytes`)
    test.ok(sent > limit, 'so much was sent')
    const closed = once(endless, 'close')
    endless.close()
    await closed
  })

t.test('a posted object arrives unchanged, and the stored object is returned', async test => {
  const api = await ApiServer.start()
  test.teardown(() => api.stop())
  const client = await createKubeClient({ master: api.url, clock: realClock })
  const path = '/api/v1/namespaces/default/events'
  const event = { metadata: { namespace: 'default', name: 'größe' }, message: 'ü' }
  test.same(await client.postJson(path, event, NEVER_ABORTED), event)
  test.same(api.events, [{ api: 'v1', namespace: 'default', object: event }])
  test.match(api.requests[0]?.headers, { 'content-type': 'application/json', accept: 'application/json' })
  const twice = await failureOf(client.postJson(path, event, NEVER_ABORTED))
  test.match(twice, { code: 'API_REFUSED', status: 409 })
  test.match(twice.message, `POST ${path} from ${api.url} failed with status 409`)
  test.match(twice.message, 'expected 201')
  await api.stopListening()
  const gone = await failureOf(client.postJson(path, event, NEVER_ABORTED))
  test.match(gone, { code: 'API_UNREACHABLE', message: /^POST .* failed/ })
  await test.rejects(client.postJson(path, event, AbortSignal.abort()))
})

/** An HTTP proxy that connects every client to the server at a URL, and records where the client wanted to go. */
async function startHttpProxy(test: Test, to: string) {
  const asked: string[] = []
  const proxy = createHttpServer().listen(0, '127.0.0.1')
  proxy.on('connect', (request: IncomingMessage, client: Socket) => {
    asked.push(request.url!)
    const upstream = connect(Number(new URL(to).port), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.pipe(client).pipe(upstream)
    })
    for (const socket of [client, upstream]) socket.on('error', () => undefined)
  })
  await once(proxy, 'listening')
  test.teardown(() => (proxy.closeAllConnections(), proxy.close()))
  return { asked, url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` }
}

t.test('requests over plain HTTP go through the proxy of HTTP_PROXY', async test => {
  const api = await ApiServer.start()
  test.teardown(() => api.stop())
  const { asked, url } = await startHttpProxy(test, api.url)
  // The name has no address: only the proxy can reach the server.
  const env = { HTTP_PROXY: url, HTTPS_PROXY: 'http://127.0.0.1:1' }
  const client = await createKubeClient({ master: 'http://api.test:8080', clock: realClock, env })
  test.match(await client.getJson('/apis', NEVER_ABORTED), { kind: 'APIGroupList' })
  api.put('services', service('web'))
  for await (const lines of await client.streamLines('/api/v1/services?watch=true', NEVER_ABORTED)) {
    if (lines.length === 0) continue
    test.match(lines[0], /"name":"web"/)
    break
  }
  test.strictSame(asked, ['api.test:8080', 'api.test:8080'], 'a list and a watch')
})

t.test('an incomplete or invalid response is a failure that says so', async test => {
  const api = await ApiServer.start()
  test.teardown(() => api.stop())
  const client = await createKubeClient({ master: api.url, clock: realClock })
  api.injectNext(1, { status: 200, body: '<html>please log in' })
  const login = await failureOf(client.getJson('/apis', NEVER_ABORTED))
  test.equal(login.code, 'API_REFUSED')
  test.match(login.message, 'not Kubernetes JSON')
  api.injectNext(1, { status: 200, headers: { 'Content-Length': '1000' }, body: '{"items":' })
  const cut = await failureOf(client.getJson('/apis', NEVER_ABORTED))
  test.equal(cut.code, 'API_UNREACHABLE')
  // A watch behaves like a list that stops in the middle.
  const impatient = await createKubeClient({ master: api.url, clock: realClock, idleTimeoutMs: 20 })
  const stalled = await failureOf(impatient.getJson('/api/v1/services?watch=true', NEVER_ABORTED))
  test.equal(stalled.code, 'API_UNREACHABLE')
  test.match(stalled.message, 'no data for 0.02 s')
  await api.waitUntil(() => api.connections === 0)
})

t.test('leaving the loop of a stream closes its connection', async test => {
  const api = await ApiServer.start()
  test.teardown(() => api.stop())
  const client = await createKubeClient({ master: api.url, clock: realClock })
  const lines = await client.streamLines('/api/v1/services?watch=true', NEVER_ABORTED)
  api.put('services', service('web'))
  for await (const batch of lines) if (batch.length > 0) break
  await api.waitUntil(() => api.connections === 0)
})

t.test('a server that does not speak HTTP is reported as unreachable', async test => {
  const closing = createServer(socket => socket.end('SSH-2.0-not-http\r\n'))
  closing.listen(0, '127.0.0.1')
  await once(closing, 'listening')
  test.teardown(() => closing.close())
  const { port } = closing.address() as { port: number }
  const client = await createKubeClient({ master: `http://127.0.0.1:${port}`, clock: realClock })
  const failure = await failureOf(client.getJson('/apis', NEVER_ABORTED))
  test.equal(failure.code, 'API_UNREACHABLE')
  test.match(failure.message, /GET \/apis from http:\/\/127.0.0.1:\d+ failed: Parse Error/)
})

const openssl = spawnSync('openssl', ['version'])
const skip = openssl.status === 0 ? false : 'openssl is not installed'

t.test('the message for a damaged kubeconfig quotes no credentials', async test => {
  const secret = 'kTqv7Xw91'
  const rest =
    'current-context: here\ncontexts: [{name: here, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: "https://192.0.2.1"}}]\n'
  const damages = {
    'a user where its name should be': `users: [{name: {user: {token: ${secret}}}}]`,
    'a token that looks like an alias': `users: [{name: u, user: {token: *${secret}}}]`,
    'a token that looks like a tag': `users: [{name: u, user: {token: !a!${secret} a}}]`,
    'a token that looks like an anchor': `users: [{name: u, user: {token: &${secret} &b a}}]`,
    'a token with a wrong escape': `users: [{name: u, user: {token: "\\q${secret}"}}]`,
    'a token that is not quoted to its end': `users: [{name: u, user: {token: "${secret}}}]`,
    'a token after a quoted text': `users: [{name: u, user: {token: "a" "${secret}"}}]`,
    'a long token in the place of two keys': `users: [{name: u, user: {${secret.repeat(40)}: a, ${secret.repeat(40)}: b}}]`,
    'a long token that is an alias': `users: [{name: u, user: {token: *${secret.repeat(40)} }}]`,
    'a token in the place of two keys': `users: [{name: u, user: {${secret}: a, ${secret}: b}}]`,
    'a token that is a map in the same line': `users:\n  - name: u\n    user:\n      token: ${secret}: ${secret}`,
    'a token that begins with a reserved character': `users: [{name: u, user: {token: @${secret}}}]`,
    'a token after the sign for text in several lines': `users:\n  - name: u\n    user:\n      token: |${secret}`,
    'a token after the sign for folded text': `users:\n  - name: u\n    user:\n      token: >${secret} x`,
    'a token in the name of a directive': `%${secret}\n---\nusers: []`,
    'a token that is an alias without an anchor': `users: [{name: u, user: {token: *${secret} }}]`,
    'a token in a line without a colon': `users:\n  - name: u\n    user:\n      token:\n${secret}`,
  }
  const path = join(test.testdir({}), 'kubeconfig')
  for (const [name, users] of Object.entries(damages)) {
    writeFileSync(path, `${rest}${users}\n`)
    const failure = await failureOf(createKubeClient({ kubeconfig: path, clock: realClock }))
    test.equal(failure.code, 'KUBECONFIG_INVALID', name)
    test.notMatch(`${messageOf(failure)} ${failure.hint} ${failure.stack}`, secret, name)
  }
})

t.test('TLS with all kinds of credentials', { skip }, async test => {
  const directory = test.testdir({ token: 'first\n' })
  const file = (name: string) => join(directory, name)
  makeCertificates(directory)
  const tls = {
    key: readFileSync(file('server.key')),
    cert: readFileSync(file('server.pem')),
    ca: readFileSync(file('ca.pem')),
    requestCert: true,
  }
  const start = async (inner: Test, options: { token?: string; mutual?: boolean }): Promise<ApiServer> => {
    const { token, mutual } = options
    const api = await ApiServer.start({
      tls: { ...tls, rejectUnauthorized: mutual === true },
      ...(token === undefined ? {} : { token }),
    })
    inner.teardown(() => api.stop())
    return api
  }
  const clientFor = (cluster: object, user: object): Promise<KubeClient> => {
    writeFileSync(file('kubeconfig'), kubeconfig(cluster, user))
    return createKubeClient({ kubeconfig: file('kubeconfig'), clock: realClock })
  }
  const certificate = { 'client-certificate': 'client.pem', 'client-key': 'client.key' }

  await test.test('list and watch work with a token, a client certificate and a private CA', async inner => {
    const api = await start(inner, { token: 'tok', mutual: true })
    api.put('services', service('web'))
    writeFileSync(
      file('kubeconfig'),
      kubeconfig({ server: api.url, 'certificate-authority': 'ca.pem' }, { token: 'tok', ...certificate }),
    )
    const source = await startSource({ kubeconfig: file('kubeconfig') })
    inner.teardown(() => source.stop())
    await source.until(() => source.store.hasSynced)
    await api.waitForWatch('services')
    api.put('services', service('a', '10.96.0.2'))
    await source.until(() => source.services() === 'default/a default/web')
  })

  await test.test('inline data works like files', async inner => {
    const api = await start(inner, { mutual: true })
    const data = (name: string) => readFileSync(file(name)).toString('base64')
    const client = await clientFor(
      { server: api.url, 'certificate-authority-data': data('ca.pem') },
      { 'client-certificate-data': data('client.pem'), 'client-key-data': data('client.key') },
    )
    inner.match(await client.getJson('/apis', NEVER_ABORTED), { kind: 'APIGroupList' })
  })

  await test.test('the CA is used even if the context has no user', async inner => {
    const api = await start(inner, {})
    const text = JSON.parse(kubeconfig({ server: api.url, 'certificate-authority': 'ca.pem' })) as object
    const contexts = [{ name: 'here', context: { cluster: 'c' } }]
    writeFileSync(file('kubeconfig'), JSON.stringify({ ...text, contexts }))
    const client = await createKubeClient({ kubeconfig: file('kubeconfig'), clock: realClock })
    inner.match(await client.getJson('/apis', NEVER_ABORTED), { kind: 'APIGroupList' })
  })

  await test.test('the token file is read for each request', async inner => {
    const api = await start(inner, { token: 'second' })
    const client = await clientFor({ server: api.url, 'certificate-authority': 'ca.pem' }, { tokenFile: 'token' })
    const refused = await failureOf(client.getJson('/apis', NEVER_ABORTED))
    inner.match(refused.message, 'failed with status 401')
    writeFileSync(file('token'), 'second\n')
    inner.match(await client.getJson('/apis', NEVER_ABORTED), { kind: 'APIGroupList' })
  })

  await test.test('a server with an unknown certificate is refused with a hint', async inner => {
    const api = await start(inner, {})
    const client = await clientFor({ server: api.url }, {})
    const failure = await failureOf(client.getJson('/apis', NEVER_ABORTED))
    inner.equal(failure.code, 'API_UNREACHABLE')
    inner.match(failure.hint, 'certificate-authority')
    const careless = await clientFor({ server: api.url, 'insecure-skip-tls-verify': true }, {})
    inner.match(await careless.getJson('/apis', NEVER_ABORTED), { kind: 'APIGroupList' })
  })

  await test.test('a command provides credentials, and its error is in the message', async inner => {
    const api = await start(inner, { token: 'from-exec' })
    const credential = JSON.stringify({ kind: 'ExecCredential', status: { token: 'from-exec' } })
    writeFileSync(file('login'), `#!/bin/sh\necho '${credential}'\n`)
    chmodSync(file('login'), 0o755)
    const cluster = { server: api.url, 'certificate-authority': 'ca.pem' }
    const client = await clientFor(cluster, { exec: { command: './login' } })
    inner.match(await client.getJson('/apis', NEVER_ABORTED), { kind: 'APIGroupList' })

    writeFileSync(file('login'), '#!/bin/sh\necho no such account >&2; exit 1\n')
    const failure = await failureOf(
      (await clientFor(cluster, { exec: { command: './login' } })).getJson('/apis', NEVER_ABORTED),
    )
    inner.equal(failure.code, 'KUBECONFIG_INVALID')
    inner.match(messageOf(failure), 'no such account')
    inner.match(failure.message, file('kubeconfig'))
  })

  await test.test('a command runs again after the server has refused its credentials', async inner => {
    const api = await start(inner, { token: 'second' })
    const print = (token: string) =>
      writeFileSync(file('login'), `#!/bin/sh\necho '${JSON.stringify({ status: { token } })}'\n`)
    print('first')
    chmodSync(file('login'), 0o755)
    const cluster = { server: api.url, 'certificate-authority': 'ca.pem' }
    const client = await clientFor(cluster, { exec: { command: './login' } })
    inner.match(await failureOf(client.getJson('/apis', NEVER_ABORTED)), { code: 'API_REFUSED', status: 401 })
    print('second')
    inner.match(await client.getJson('/apis', NEVER_ABORTED), { kind: 'APIGroupList' })
  })

  await test.test(
    'one run of a command serves a source with all its watches until the server refuses it',
    async inner => {
      const api = await start(inner, { token: 'first' })
      for (const name of ['runs', 'credential']) writeFileSync(file(name), '')
      const print = (token: string) => writeFileSync(file('credential'), JSON.stringify({ status: { token } }))
      const runs = () => readFileSync(file('runs'), 'utf8').length
      writeFileSync(file('login'), `#!/bin/sh\nprintf x >> ${file('runs')}\ncat ${file('credential')}\n`)
      chmodSync(file('login'), 0o755)
      print('first')
      api.put('services', service('web'))
      const cluster = { server: api.url, 'certificate-authority': 'ca.pem' }
      writeFileSync(file('kubeconfig'), kubeconfig(cluster, { exec: { command: './login' } }))
      const source = await startSource({ kubeconfig: file('kubeconfig'), nodeName: 'this-node' })
      inner.teardown(() => source.stop())
      const watched = ['services', 'endpointslices', 'nodes'] as const
      const untilAllWatch = () => Promise.all(watched.map(resource => api.waitForWatch(resource)))
      await untilAllWatch()
      for (const resource of watched) api.closeWatches(resource)
      await untilAllWatch()
      inner.equal(runs(), 1)
      print('second')
      api.token = 'second'
      for (const resource of watched) api.closeWatches(resource)
      await untilAllWatch()
      api.put('services', service('a', '10.96.0.2'))
      await source.until(() => source.services() === 'default/a default/web')
      inner.equal(runs(), 2, 'though each watch was refused')
    },
  )

  await test.test('impersonation of groups and extra fields reaches the server', async inner => {
    const api = await start(inner, {})
    const user = { as: 'other', 'as-uid': '7', 'as-groups': ['a', 'b'], 'as-user-extra': { 'x/y': ['1', '2'] } }
    const client = await clientFor({ server: api.url, 'certificate-authority': 'ca.pem' }, user)
    await client.getJson('/apis', NEVER_ABORTED)
    inner.match(api.requests.at(-1)?.headers, {
      'impersonate-user': 'other',
      'impersonate-uid': '7',
      'impersonate-group': 'a, b',
      'impersonate-extra-x%2fy': '1, 2',
    })
  })

  await test.test('credentials that a server sends back do not get into messages', async inner => {
    const api = await start(inner, {})
    const secrets = [
      [{ token: 'a-secret-token' }, 'a-secret-token'],
      [{ username: 'me', password: 'pass word' }, 'pass word'],
      [{ username: 'me', password: 'pass word' }, Buffer.from('me:pass word').toString('base64')],
      [{ username: 'me', password: 'pass "word\\' }, 'pass "word\\'],
    ] as const
    for (const [user, secret] of secrets) {
      const client = await clientFor({ server: api.url, 'certificate-authority': 'ca.pem' }, user)
      for (const [status, body] of [
        [403, JSON.stringify({ kind: 'Status', message: `you sent ${secret}` })],
        [502, `<pre>Authorization: ${secret}</pre>`],
        [200, `Authorization: ${secret}`],
      ] as const) {
        api.injectNext(1, { status, body })
        const failure = await failureOf(client.getJson('/apis', NEVER_ABORTED))
        inner.notMatch(`${messageOf(failure)} ${failure.stack}`, secret)
        inner.match(messageOf(failure), '[redacted]', `${status}`)
      }
      api.injectNext(1, {
        status: 200,
        body: `Authorization: ${secret}\n{"type":"ERROR","object":{"message":${JSON.stringify(secret)}}}\n`,
      })
      const lines: string[] = []
      for await (const batch of await client.streamLines('/api?watch=true', NEVER_ABORTED)) lines.push(...batch)
      inner.equal(lines.length, 2)
      for (const form of [secret, JSON.stringify(secret).slice(1, -1)]) inner.notMatch(lines.join(), form)
    }
  })

  await test.test('a user name and password in the server address are sent, and are in no message', async inner => {
    const api = await start(inner, {})
    const server = api.url.replace('https://', 'https://me:pass%20word@')
    const client = await clientFor({ server, 'certificate-authority': 'ca.pem' }, {})
    inner.notMatch(client.server, 'pass')
    await client.getJson('/apis', NEVER_ABORTED)
    const basic = Buffer.from('me:pass word').toString('base64')
    inner.equal(api.requests.at(-1)?.headers.authorization, `Basic ${basic}`)
    api.injectNext(1, { status: 500, body: 'no' })
    inner.notMatch(messageOf(await failureOf(client.getJson('/apis', NEVER_ABORTED))), 'pass')
    for (const [wrong, shown] of [
      ['ftp://me:secret@10.0.0.1', 'ftp://[redacted]@10.0.0.1'],
      ['https://me:sec/ret@10.0.0.1', 'https://[redacted]@10.0.0.1'],
      ['me:sec@ret@10.0.0.1:70000', '[redacted]@10.0.0.1:70000'],
    ] as const) {
      const failure = await failureOf(clientFor({ server: wrong }, {}))
      inner.match(failure.message, shown)
      inner.notMatch(messageOf(failure), /sec.?ret/)
    }
  })

  await test.test('a password in the server address may have a percent sign that begins no sequence', async inner => {
    const api = await start(inner, {})
    const server = api.url.replace('https://', 'https://me:100%@')
    const client = await clientFor({ server, 'certificate-authority': 'ca.pem' }, {})
    await client.getJson('/apis', NEVER_ABORTED)
    const basic = Buffer.from('me:100%').toString('base64')
    inner.equal(api.requests.at(-1)?.headers.authorization, `Basic ${basic}`)
  })

  await test.test('requests go through the proxy that the environment names', async inner => {
    const api = await start(inner, { token: 'tok' })
    const { asked, url } = await startHttpProxy(inner, api.url)
    const env = { HTTPS_PROXY: url }
    const cluster = { server: 'https://api.test:6443', 'insecure-skip-tls-verify': true }
    writeFileSync(file('kubeconfig'), kubeconfig(cluster, { token: 'tok' }))
    const client = await createKubeClient({ kubeconfig: file('kubeconfig'), clock: realClock, env })
    inner.match(await client.getJson('/apis', NEVER_ABORTED), { kind: 'APIGroupList' })
    inner.strictSame(asked, ['api.test:6443'])
  })

  await test.test('a command that hangs does not delay the stop', async inner => {
    const api = await start(inner, {})
    // It runs until the folder of this test is removed.
    writeFileSync(file('login'), '#!/bin/sh\nwhile [ -e "$0" ]; do sleep 0.1; done\n')
    const client = await clientFor({ server: api.url }, { exec: { command: './login' } })
    const end = new AbortController()
    const asked = failureOf(client.getJson('/apis', end.signal))
    end.abort()
    inner.equal((await asked).code, 'KUBECONFIG_INVALID')
  })
})

/** Creates a CA, and its certificates for the server on 127.0.0.1 and for a client. */
function makeCertificates(directory: string): void {
  const run = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  run('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test-ca', '-days', '2')
  writeFileSync(join(directory, 'san'), 'subjectAltName=IP:127.0.0.1')
  for (const name of ['server', 'client']) {
    run('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'san']
    run('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, ...by)
  }
}

t.test('streams use one connection after the other for five minutes, then a new one', async test => {
  let connections = 0
  const server = createHttpServer((_, response) => response.end('{}\n')).on('connection', () => connections++)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.teardown(() => server.close())
  const clock = { now: () => now, after: (ms: number, action: () => void) => realClock.after(ms, action) }
  let now = 0
  const master = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = await createKubeClient({ master, clock })
  const stream = async () => {
    const lines: string[] = []
    for await (const batch of await client.streamLines('/api', NEVER_ABORTED)) lines.push(...batch)
    return lines
  }
  for (const [minute, expected] of [
    [0, 1],
    [1, 1],
    [4.9, 1],
    [5, 2],
    [9, 2],
  ] as const) {
    now = minute * 60_000
    test.strictSame(await stream(), ['{}'])
    test.equal(connections, expected, `${minute} minutes after the start`)
  }
})
