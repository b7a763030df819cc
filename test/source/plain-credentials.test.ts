import { KubeConfig } from '@kubernetes/client-node'
import { writeFileSync } from 'node:fs'
import { type RequestOptions } from 'node:https'
import { join } from 'node:path'
import t from 'tap'
import { needsOnlyPlainCredentials, plainCredentials } from '../../lib/source/plain-credentials.js'
import { type KubeCluster, type KubeUser } from '../../lib/source/read-kubeconfig.js'

const CLUSTER: KubeCluster = { name: 'c', server: 'https://192.0.2.1:6443', skipTLSVerify: false }
const USER: KubeUser = { name: 'u' }
const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** The credentials and trusted certificates of a request; name and password as the header that they become. */
function visibleCredentials({ ca, cert, key, rejectUnauthorized, servername, headers, auth }: RequestOptions) {
  const basic = typeof auth === 'string' ? { Authorization: `Basic ${base64(auth)}` } : {}
  const pem = (value: unknown) => (value === undefined ? undefined : String(value))
  const files = { ca: pem(ca), cert: pem(cert), key: pem(key) }
  return { ...files, rejectUnauthorized, servername, headers: { ...(headers as object), ...basic } }
}

async function applyOfficialClient(cluster: KubeCluster, user: KubeUser): Promise<RequestOptions> {
  const config = new KubeConfig()
  config.loadFromClusterAndUser(cluster, user)
  const request: RequestOptions = { headers: { Accept: 'application/json' } }
  await config.applyToHTTPSOptions(request)
  return request
}

t.test('plain credentials give the same request as the official client', async t => {
  const folder = t.testdir({ 'ca.pem': 'CA', 'me.pem': 'CERT', 'me.key': 'KEY' })
  const file = (name: string) => join(folder, name)
  const table: readonly (readonly [what: string, cluster: Partial<KubeCluster>, user: Partial<KubeUser>])[] = [
    ['nothing', {}, {}],
    ['a token', {}, { token: 'tok' }],
    ['a name and a password', {}, { username: 'me', password: 'secret:word' }],
    ['impersonation', {}, { token: 'tok', impersonateUser: 'other' }],
    ['files', { caFile: file('ca.pem') }, { certFile: file('me.pem'), keyFile: file('me.key') }],
    ['inline data', { caData: base64('CA') }, { certData: base64('CERT'), keyData: base64('KEY') }],
    ['no verification', { skipTLSVerify: true }, {}],
    ['another server name', { tlsServerName: 'kubernetes' }, {}],
  ]
  for (const [what, cluster, user] of table) {
    const [c, u] = [
      { ...CLUSTER, ...cluster },
      { ...USER, ...user },
    ]
    t.equal(needsOnlyPlainCredentials(c, u), true, what)
    const request: RequestOptions = { headers: { Accept: 'application/json' } }
    await plainCredentials(c, u)(request)
    t.same(visibleCredentials(request), visibleCredentials(await applyOfficialClient(c, u)), what)
  }
})

t.test('the next request uses a replaced certificate', async t => {
  const folder = t.testdir({ 'me.pem': 'first' })
  const credentials = plainCredentials(CLUSTER, { ...USER, certFile: join(folder, 'me.pem') })
  const request: RequestOptions = {}
  await credentials(request)
  t.equal(String(request.cert as Buffer), 'first')
  writeFileSync(join(folder, 'me.pem'), 'second')
  await credentials(request)
  t.equal(String(request.cert as Buffer), 'second')
})

t.test('login services and proxies need the official client', t => {
  t.equal(needsOnlyPlainCredentials({ ...CLUSTER, proxyUrl: 'socks5://192.0.2.9:1080' }, USER), false)
  t.equal(needsOnlyPlainCredentials(CLUSTER, { ...USER, authProvider: { name: 'oidc' } }), false)
  t.end()
})
