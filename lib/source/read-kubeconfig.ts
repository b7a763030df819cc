import { dirname, isAbsolute, join } from 'node:path'
import { ProxyFailure } from '../model/failure.js'
import { readYaml } from './read-yaml.js'
import { field } from './watch-event.js'

/** A cluster entry in the form of `@kubernetes/client-node`, with absolute paths. */
export interface KubeCluster {
  readonly name: string
  readonly server: string
  readonly skipTLSVerify: boolean
  readonly caFile?: string
  readonly caData?: string
  readonly tlsServerName?: string
  readonly proxyUrl?: string
}

/** A user entry in the same form, but without `tokenFile`, which the client reads itself. */
export interface KubeUser {
  readonly name: string
  readonly certFile?: string
  readonly certData?: string
  readonly keyFile?: string
  readonly keyData?: string
  readonly token?: string
  readonly username?: string
  readonly password?: string
  readonly impersonateUser?: string
  readonly exec?: unknown
  readonly authProvider?: unknown
}

/** The cluster and the user of the current context. */
export interface KubeconfigContent {
  /** `server` is empty if the cluster entry has none, because `--master` may replace it. */
  readonly cluster: KubeCluster
  readonly user: KubeUser
  readonly tokenFile: string | undefined
}

/**
 * Reads the text of a kubeconfig. `path` is for messages and for relative file names in it.
 *
 * It does not use `@kubernetes/client-node`, for three reasons. That does not support `tokenFile`, which kubeadm writes into the
 * kubeconfig of kube-proxy. It prefers files to inline data, unlike kubectl. And it rejects the whole file for a mistake in an
 * entry that is not used.
 * @throws ProxyFailure `KUBECONFIG_INVALID`
 */
export function readKubeconfig(text: string, path: string): KubeconfigContent {
  const { value: document, problems: [mistake] = [] } = readYaml(text)[0] ?? {}
  if (mistake !== undefined) {
    const cause = new Error(`line ${mistake.line}: ${mistake.text}`)
    throw invalidKubeconfig(path, 'is not YAML', 'expected a kubeconfig in YAML or JSON', cause)
  }
  if (document === undefined || document === null) throw invalidKubeconfig(path, 'is empty', 'expected a kubeconfig')
  if (typeof document !== 'object' || Array.isArray(document)) {
    throw invalidKubeconfig(path, `contains ${quote(document)}`, 'expected a mapping with clusters, contexts and users')
  }
  const current = nonEmptyString(field(document, 'current-context'))
  if (current === undefined)
    throw invalidKubeconfig(path, 'has no current-context', 'expected the name of one of its contexts')
  const context = findEntry(document, path, 'context', current, 'current-context')
  const clusterName = nonEmptyString(field(context, 'cluster'))
  if (clusterName === undefined)
    throw invalidKubeconfig(path, `has no cluster in context ${quote(current)}`, 'expected a name')
  const cluster = findEntry(document, path, 'cluster', clusterName, `context ${quote(current)}`)
  const userName = nonEmptyString(field(context, 'user'))
  const user = userName === undefined ? {} : findEntry(document, path, 'user', userName, `context ${quote(current)}`)
  const absolute = (name: unknown) => absolutePath(path, nonEmptyString(name))
  return {
    cluster: readCluster(clusterName, cluster, absolute),
    user: readUser(userName ?? 'anonymous', user, absolute, path),
    tokenFile: absolute(field(user, 'tokenFile')),
  }
}

type AbsolutePath = (name: unknown) => string | undefined

function readCluster(name: string, cluster: unknown, absolute: AbsolutePath): KubeCluster {
  const caData = nonEmptyString(field(cluster, 'certificate-authority-data'))
  return withoutUndefined({
    name,
    server: nonEmptyString(field(cluster, 'server')) ?? '',
    skipTLSVerify: field(cluster, 'insecure-skip-tls-verify') === true,
    caData,
    caFile: caData === undefined ? absolute(field(cluster, 'certificate-authority')) : undefined,
    tlsServerName: nonEmptyString(field(cluster, 'tls-server-name')),
    proxyUrl: nonEmptyString(field(cluster, 'proxy-url')),
  })
}

function readUser(name: string, user: unknown, absolute: AbsolutePath, path: string): KubeUser {
  const certData = nonEmptyString(field(user, 'client-certificate-data'))
  const keyData = nonEmptyString(field(user, 'client-key-data'))
  return withoutUndefined({
    name,
    certData,
    certFile: certData === undefined ? absolute(field(user, 'client-certificate')) : undefined,
    keyData,
    keyFile: keyData === undefined ? absolute(field(user, 'client-key')) : undefined,
    token: nonEmptyString(field(user, 'token'))?.trim(),
    username: nonEmptyString(field(user, 'username')),
    password: nonEmptyString(field(user, 'password')),
    impersonateUser: nonEmptyString(field(user, 'as')),
    exec: readExec(field(user, 'exec'), path),
    authProvider: field(user, 'auth-provider') ?? undefined,
  })
}

/** As in kubectl, a command with a slash is relative to the kubeconfig, and gets the expected format in its environment. */
function readExec(exec: unknown, path: string): unknown {
  const command = nonEmptyString(field(exec, 'command'))
  if (command === undefined) return exec ?? undefined
  const apiVersion = nonEmptyString(field(exec, 'apiVersion')) ?? 'client.authentication.k8s.io/v1'
  const info = JSON.stringify({ apiVersion, kind: 'ExecCredential', spec: { interactive: false } })
  const env = field(exec, 'env')
  return {
    ...(exec as object),
    command: command.includes('/') ? absolutePath(path, command) : command,
    env: [{ name: 'KUBERNETES_EXEC_INFO', value: info }, ...(Array.isArray(env) ? (env as unknown[]) : [])],
  }
}

/** The named entry of one of the lists `clusters`, `contexts` and `users`. */
function findEntry(document: unknown, path: string, kind: string, name: string, referencedBy: string): unknown {
  const list = field(document, `${kind}s`)
  const match = Array.isArray(list) ? list.find(item => nonEmptyString(field(item, 'name')) === name) : undefined
  const content = field(match, kind)
  if (typeof content === 'object' && content !== null) return content
  const names = Array.isArray(list) ? list.map(item => quote(field(item, 'name'))).join(', ') : ''
  throw invalidKubeconfig(
    path,
    `has no ${kind} ${quote(name)}`,
    `which ${referencedBy} names; it has ${names === '' ? `no ${kind}s` : `the ${kind}s ${names}`}`,
  )
}

function invalidKubeconfig(path: string, problem: string, expected: string, cause?: unknown): ProxyFailure {
  return new ProxyFailure('KUBECONFIG_INVALID', `The kubeconfig ${quote(path)} ${problem}, ${expected}`, {
    cause,
    hint: `Try: kubectl --kubeconfig=${path} get services`,
  })
}

function absolutePath(kubeconfig: string, name: string | undefined): string | undefined {
  return name === undefined || isAbsolute(name) ? name : join(dirname(kubeconfig), name)
}

function nonEmptyString(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

function quote(value: unknown): string {
  return JSON.stringify(value) ?? 'nothing'
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** Removes undefined fields, for types in which a field may be absent but not undefined. */
function withoutUndefined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>
}
