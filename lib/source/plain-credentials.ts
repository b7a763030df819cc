import { type RequestOptions } from 'node:https'
import { type KubeCluster, type KubeUser } from './read-kubeconfig.js'
import { MAX_CREDENTIAL_BYTES, readRegularFile } from './read-regular-file.js'

/** Adds credentials and trusted certificates to a request. */
export type Credentials = (request: RequestOptions) => Promise<void>

/** Whether Node's own TLS is enough: no login service, no proxy. */
export function needsOnlyPlainCredentials({ proxyUrl }: KubeCluster, { authProvider }: KubeUser): boolean {
  return proxyUrl === undefined && authProvider === undefined
}

/**
 * Credentials that need only Node's own TLS, as in every Pod and on every kubeadm node. Files are read for each request, because
 * they may change at any time.
 */
export function plainCredentials(cluster: KubeCluster, user: KubeUser): Credentials {
  const { skipTLSVerify, tlsServerName } = cluster
  return async request => {
    const [ca, cert, key] = await Promise.all([
      readPem(cluster.caFile, cluster.caData),
      readPem(user.certFile, user.certData),
      readPem(user.keyFile, user.keyData),
    ])
    Object.assign(request, {
      // A new connection for each request, unless the client has an agent with a connection for each certificate.
      agent: false,
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(skipTLSVerify && { rejectUnauthorized: false }),
      ...(tlsServerName !== undefined && { servername: tlsServerName }),
      headers: { ...(request.headers as object), ...buildHeaders(user) },
    })
  }
}

function buildHeaders(user: KubeUser): Record<string, string | string[]> {
  const { token, username, password } = user
  const headers = impersonationHeaders(user)
  if (token !== undefined) headers['Authorization'] = `Bearer ${token}`
  else if (username !== undefined)
    headers['Authorization'] = `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}`
  return headers
}

async function readPem(file: string | undefined, data: string | undefined): Promise<Buffer | undefined> {
  if (data !== undefined) return Buffer.from(data, 'base64')
  return file === undefined ? undefined : (await readRegularFile(file, MAX_CREDENTIAL_BYTES)).bytes
}

/**
 * The headers that ask the API server to treat the request as one of another user: `as`, `as-uid`, `as-groups` and `as-user-extra` of
 * the kubeconfig, in the form of client-go (k8s.io/client-go/transport).
 */
export function impersonationHeaders(user: KubeUser): Record<string, string | string[]> {
  const { impersonateUser, impersonateUid, impersonateGroups = [], impersonateExtra = {} } = user
  if (impersonateUser === undefined) return {}
  return {
    'Impersonate-User': impersonateUser,
    ...(impersonateUid !== undefined && { 'Impersonate-Uid': impersonateUid }),
    ...(impersonateGroups.length > 0 && { 'Impersonate-Group': [...impersonateGroups] }),
    ...Object.fromEntries(
      Object.entries(impersonateExtra).map(([key, values]) => [
        `Impersonate-Extra-${encodeURIComponent(key)}`,
        [...values],
      ]),
    ),
  }
}
