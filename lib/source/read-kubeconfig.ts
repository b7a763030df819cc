import { dirname, isAbsolute, join } from 'node:path'
import { parse } from 'yaml'
import { ProxyFailure } from '../model/failure.js'
import { field } from './watch-event.js'

/** A cluster entry in the shape that `@kubernetes/client-node` takes; paths are absolute. */
export interface KubeCluster {
  readonly name: string
  readonly server: string
  readonly skipTLSVerify: boolean
  readonly caFile?: string
  readonly caData?: string
  readonly tlsServerName?: string
  readonly proxyUrl?: string
}

/** A user entry in the same shape, but for `tokenFile`, which we read ourselves. */
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

/** What the current context of a kubeconfig says. */
export interface KubeconfigContent {
  /** `server` is empty when the cluster entry has none: `--master` may stand in for it. */
  readonly cluster: KubeCluster
  readonly user: KubeUser
  readonly tokenFile: string | undefined
}

/**
 * Reads the text of a kubeconfig. `path` is for messages and for relative file names inside it.
 *
 * We read the few fields ourselves rather than have `@kubernetes/client-node` do it, because that knows no `tokenFile`
 * (which the kubeconfig that kubeadm makes for kube-proxy has), prefers files over inline data where kubectl does the
 * reverse, and refuses the whole file for a fault in an entry that is not even used.
 * Throws ProxyFailure `KUBECONFIG_INVALID`.
 */
export function readKubeconfig(text: string, path: string): KubeconfigContent {
  let document: unknown
  try {
    document = parse(text)
  } catch (cause) {
    throw invalidKubeconfig(path, 'is not YAML', 'wanted a kubeconfig in YAML or JSON', cause)
  }
  if (document === undefined || document === null) throw invalidKubeconfig(path, 'is empty', 'wanted a kubeconfig')
  if (typeof document !== 'object' || Array.isArray(document)) {
    throw invalidKubeconfig(path, `holds ${quote(document)}`, 'wanted a mapping with clusters, contexts and users')
  }
  const current = nonEmptyString(field(document, 'current-context'))
  if (current === undefined)
    throw invalidKubeconfig(path, 'has no current-context', 'wanted the name of one of its contexts')
  const context = findEntry(document, path, 'context', current, 'current-context')
  const clusterName = nonEmptyString(field(context, 'cluster'))
  if (clusterName === undefined)
    throw invalidKubeconfig(path, `has no cluster in context ${quote(current)}`, 'wanted a name')
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

/** The command is looked for beside the kubeconfig when it has a slash, and told how to answer, as kubectl does. */
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
  const match = Array.isArray(list) ? list.find(item => field(item, 'name') === name) : undefined
  const content = field(match, kind)
  if (typeof content === 'object' && content !== null) return content
  const names = Array.isArray(list) ? list.map(item => quote(field(item, 'name'))).join(', ') : ''
  throw invalidKubeconfig(
    path,
    `has no ${kind} ${quote(name)}`,
    `wanted by ${referencedBy}; its ${kind}s are ${names === '' ? 'none' : names}`,
  )
}

function invalidKubeconfig(path: string, problem: string, expected: string, cause?: unknown): ProxyFailure {
  return new ProxyFailure('KUBECONFIG_INVALID', `the kubeconfig ${quote(path)} ${problem}, ${expected}`, {
    cause,
    hint: `try it with: kubectl --kubeconfig=${path} get services`,
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

/** Leaves out what is undefined, for types that know "absent" but not "undefined". */
function withoutUndefined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>
}
