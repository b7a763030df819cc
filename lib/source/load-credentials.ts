import { type RequestOptions } from 'node:https'
import { createSecureContext } from 'node:tls'
import { ProxyFailure } from '../model/failure.js'
import { ExecCredentials } from './exec-credentials.js'
import { type ExecObserver } from './exec-outcome.js'
import { type KubeAccess } from './kube-access.js'
import {
  impersonationHeaders,
  type Credentials,
  needsOnlyPlainCredentials,
  plainCredentials,
} from './plain-credentials.js'
import { type KubeCluster, type KubeUser } from './read-kubeconfig.js'
import { MAX_CREDENTIAL_BYTES, readRegularFile } from './read-regular-file.js'

/** The credentials of all requests to one API server. */
export interface RequestCredentials {
  /** Adds credentials and trusted certificates to a request. @throws ProxyFailure, or the system's error of a file */
  apply(request: RequestOptions): Promise<void>
  /** The API server has refused the credentials of a request. Those that a command returned are not used again. */
  discard(refused: RequestOptions): void
}

/**
 * Loads the credentials of any kind of kubeconfig. Files must be usable now; a command may fail now and work later.
 * @param observer takes notice of the runs of the command
 * @throws ProxyFailure `KUBECONFIG_INVALID`
 */
export async function loadCredentials(access: KubeAccess, observer?: ExecObserver): Promise<RequestCredentials> {
  const { cluster, user, tokenFile } = access
  const base = needsOnlyPlainCredentials(cluster, user)
    ? plainCredentials(cluster, user)
    : await loadOfficialCredentials(cluster, user)
  if (user.authProvider === undefined) await checkCertificates(base, access)
  const exec = user.exec === undefined ? undefined : new ExecCredentials(user.exec, await withCaData(cluster), observer)
  return {
    apply: async request => {
      await base(request)
      await exec?.apply(request)
      if (tokenFile === undefined) return
      const token = (await readRegularFile(tokenFile, MAX_CREDENTIAL_BYTES)).bytes.toString('utf8').trim()
      request.headers = { ...(request.headers as object), Authorization: `Bearer ${token}` }
    },
    discard: refused => exec?.discard(refused),
  }
}

async function checkCertificates(credentials: Credentials, { origin }: KubeAccess): Promise<void> {
  try {
    const request: RequestOptions = {}
    await credentials(request)
    createSecureContext({ ca: request.ca, cert: request.cert, key: request.key })
  } catch (cause) {
    throw new ProxyFailure('KUBECONFIG_INVALID', `The certificates or keys of ${origin} are not usable, expected PEM`, {
      cause,
      hint: 'Check certificate-authority, client-certificate and client-key of the kubeconfig, and their -data forms',
    })
  }
}

/** The exec command gets the CA itself, not the name of a file. */
async function withCaData(cluster: KubeCluster): Promise<KubeCluster> {
  if (cluster.caFile === undefined) return cluster
  const { bytes } = await readRegularFile(cluster.caFile, MAX_CREDENTIAL_BYTES)
  return { ...cluster, caData: bytes.toString('base64') }
}

/** Uses the official client. Loading it takes 0.6 s and 70 MB, so it is loaded only for credentials that need it. */
async function loadOfficialCredentials(cluster: KubeCluster, user: KubeUser): Promise<Credentials> {
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  // Its exec support runs the command for each request if credentials do not expire, and passes no cluster information.
  config.loadFromClusterAndUser(cluster, { ...user, exec: undefined })
  return async request => {
    await config.applyToHTTPSOptions(request)
    request.headers = { ...(request.headers as object), ...impersonationHeaders(user) }
  }
}
