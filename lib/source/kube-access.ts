import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { ProxyFailure } from '../model/failure.js'
import { decodeText } from './decode-text.js'
import { type KubeCluster, type KubeUser, readKubeconfig } from './read-kubeconfig.js'
import { proxyForUrl } from './proxy-for-url.js'
import { MAX_CREDENTIAL_BYTES, checkRegularFile, readRegularFile } from './read-regular-file.js'
import { quoteValue } from '../primitives/quote-value.js'

/** The API server and the user for it. Everything is checked that can be checked without a request. */
export interface KubeAccess {
  /** The source of these values, for messages: `the kubeconfig "/etc/…"`. */
  readonly origin: string
  readonly cluster: KubeCluster
  readonly user: KubeUser
  /** A file with the bearer token. Its content may change at any time. */
  readonly tokenFile: string | undefined
}

/** The flags and the environment that `resolveKubeAccess` reads. */
export interface KubeAccessOptions {
  /** The path of a kubeconfig; empty or absent: none. */
  readonly kubeconfig?: string | undefined
  /** The address of the API server, which replaces the one in the kubeconfig; empty or absent: none. */
  readonly master?: string | undefined
  /** The environment of a Pod, for when neither of the two above is set. */
  readonly pod?: PodAccess
  /** The environment that may name a proxy; by default that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** The environment and the service account of a Pod. */
export interface PodAccess {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The folder with `token` and `ca.crt`. */
  readonly serviceAccount: string
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

/**
 * Decides how to reach the API server.
 * @throws ProxyFailure `KUBECONFIG_INVALID` if no way is given, or if the given one cannot work
 */
export async function resolveKubeAccess(options: KubeAccessOptions): Promise<KubeAccess> {
  const access = await resolveServer(options)
  const proxyUrl = access.cluster.proxyUrl ?? proxyForUrl(new URL(access.cluster.server), options.env ?? process.env)
  return proxyUrl === undefined ? access : { ...access, cluster: { ...access.cluster, proxyUrl } }
}

async function resolveServer(options: KubeAccessOptions): Promise<KubeAccess> {
  const { kubeconfig, master } = options
  if (kubeconfig !== undefined && kubeconfig !== '') return fromKubeconfig(kubeconfig, master)
  if (master !== undefined && master !== '') return fromMaster(master)
  return fromPod(options.pod ?? { env: process.env, serviceAccount: SERVICE_ACCOUNT })
}

async function readText(path: string, origin: string): Promise<string> {
  try {
    return decodeText((await readRegularFile(path, MAX_CREDENTIAL_BYTES)).bytes)
  } catch (cause) {
    const hint = 'Check the path, and that this process may read the file'
    throw new ProxyFailure('KUBECONFIG_INVALID', `Cannot read ${origin}`, { cause, hint })
  }
}

async function fromKubeconfig(path: string, master: string | undefined): Promise<KubeAccess> {
  const origin = `the kubeconfig ${quoteValue(path)}`
  const { cluster, user, tokenFile } = readKubeconfig(await readText(path, origin), path)
  const server = master !== undefined && master !== '' ? master : cluster.server
  if (server === '') {
    throw new ProxyFailure(
      'KUBECONFIG_INVALID',
      `The kubeconfig ${quoteValue(path)} has no server in cluster ${quoteValue(cluster.name)}, expected a URL`,
      {
        hint: 'Add the server to the cluster, or give --master',
      },
    )
  }
  const { caFile, caData, skipTLSVerify } = cluster
  const usesTls = caFile !== undefined || caData !== undefined || skipTLSVerify
  const url = serverUrl(server, origin, usesTls ? 'https' : 'http')
  const resolved = applyServerUrl({ origin, cluster, user, tokenFile }, url)
  await checkFiles(resolved)
  return resolved
}

function fromMaster(master: string): KubeAccess {
  const origin = '--master'
  const cluster = { name: 'master', server: master, skipTLSVerify: false }
  const url = serverUrl(master, origin, 'http')
  return applyServerUrl({ origin, cluster, user: { name: 'anonymous' }, tokenFile: undefined }, url)
}

async function fromPod({ env, serviceAccount }: PodAccess): Promise<KubeAccess> {
  const origin = `the service account in ${quoteValue(serviceAccount)}`
  const host = env['KUBERNETES_SERVICE_HOST'] ?? ''
  const port = env['KUBERNETES_SERVICE_PORT'] ?? ''
  if (host === '' || port === '') {
    throw new ProxyFailure(
      'KUBECONFIG_INVALID',
      'No API server is given: there is neither --kubeconfig nor --master, and KUBERNETES_SERVICE_HOST and ' +
        `KUBERNETES_SERVICE_PORT are not both set (now ${quoteValue(host)} and ${quoteValue(port)})`,
      { hint: 'Outside a Pod, give --kubeconfig=FILE or --master=URL' },
    )
  }
  const resolved: KubeAccess = {
    origin,
    cluster: {
      name: 'in-cluster',
      server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
      skipTLSVerify: false,
      caFile: join(serviceAccount, 'ca.crt'),
    },
    user: { name: 'service-account' },
    tokenFile: join(serviceAccount, 'token'),
  }
  await checkFiles(resolved)
  return resolved
}

/** As in kube-proxy, an address without scheme means TLS only if the rest of the configuration mentions TLS. */
function serverUrl(server: string, origin: string, scheme: 'http' | 'https'): URL {
  const text = server.includes('://') ? server : `${scheme}://${server}`
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url
  throw new ProxyFailure(
    'KUBECONFIG_INVALID',
    `The server address ${quoteValue(withoutUserInfo(server))} of ${origin} is not usable, expected http://HOST:PORT or https://HOST:PORT`,
    { hint: 'Use a form like https://10.0.0.1:6443' },
  )
}

/** The text of a wrong URL for messages. A password in it may contain each character, so everything before the last @ is left out. */
function withoutUserInfo(text: string): string {
  return text.replace(/^([a-z][a-z\d+.-]*:\/\/)?.*@/is, '$1[redacted]@')
}

/** The credentials in a URL, which must not be in any message about it. */
function takeCredentials(url: URL): Pick<KubeUser, 'username' | 'password'> {
  const [username, password] = [decodeUserInfo(url.username), decodeUserInfo(url.password)]
  url.username = ''
  url.password = ''
  return username === '' && password === '' ? {} : { username, password }
}

/** As browsers do, takes a text with a wrong %-sequence as it is. */
function decodeUserInfo(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Drops the credentials for plain HTTP, as kubectl does, because anyone on the network could read them. */
function applyServerUrl(resolved: KubeAccess, url: URL): KubeAccess {
  const credentials = takeCredentials(url)
  const server = url.href.replace(/\/+$/, '')
  if (url.protocol === 'https:')
    return { ...resolved, cluster: { ...resolved.cluster, server }, user: { ...resolved.user, ...credentials } }
  const { name, proxyUrl } = resolved.cluster
  return {
    origin: resolved.origin,
    // The official client accepts http:// only without verification of certificates.
    cluster: { name, server, skipTLSVerify: true, ...(proxyUrl === undefined ? {} : { proxyUrl }) },
    user: { name: 'anonymous' },
    tokenFile: undefined,
  }
}

async function checkFiles({ origin, cluster, user, tokenFile }: KubeAccess): Promise<void> {
  for (const file of [cluster.caFile, user.certFile, user.keyFile, tokenFile]) {
    if (file === undefined) continue
    await checkRegularFile(file).catch((cause: unknown) => {
      throw new ProxyFailure('KUBECONFIG_INVALID', `Cannot read ${quoteValue(file)}, which ${origin} needs`, {
        cause,
        hint: 'Check the path, whether it is mounted, and that this process may read it',
      })
    })
  }
}
