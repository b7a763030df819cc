import { dirname, isAbsolute, join } from 'node:path'
import { ProxyFailure } from '../model/failure.js'
import { readYaml } from './read-yaml.js'
import { field } from './watch-event.js'
import { quoteValue } from '../primitives/quote-value.js'

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
  readonly impersonateUid?: string
  readonly impersonateGroups?: readonly string[]
  readonly impersonateExtra?: Readonly<Record<string, readonly string[]>>
  readonly exec?: ExecPlugin
  readonly authProvider?: unknown
}

/** A command that returns credentials. */
export interface ExecPlugin {
  readonly apiVersion: string
  /** Absolute, or a name to look for in PATH. */
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** What to do if the command does not exist. */
  readonly installHint?: string
  /** Whether the command learns which cluster the credentials are for. */
  readonly providesClusterInfo: boolean
  /** Settings for the command in the cluster entry. */
  readonly clusterConfig?: unknown
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
    // The parser's own text quotes the file, and not always with quotation marks.
    const { line, kind, text: problem } = mistake
    const cause = new Error(
      `line ${line}: ${kind === undefined ? withoutQuotedText(problem) : `not valid YAML, ${kind}`}`,
    )
    throw invalidKubeconfig(path, 'is not YAML', 'expected a kubeconfig in YAML or JSON', cause)
  }
  if (document === undefined || document === null) throw invalidKubeconfig(path, 'is empty', 'expected a kubeconfig')
  if (typeof document !== 'object' || Array.isArray(document)) {
    // Not the value itself: the file may have a token and nothing else.
    const found = Array.isArray(document) ? 'a list' : 'a single value'
    throw invalidKubeconfig(path, `contains ${found}`, 'expected a mapping with clusters, contexts and users')
  }
  const current = nameOf(document, 'current-context')
  if (current === '' && !hasEntry(document, 'context', ''))
    throw invalidKubeconfig(path, 'has no current-context', 'expected the name of one of its contexts')
  const context = findEntry(document, path, 'context', current, 'current-context')
  const clusterName = nameOf(context, 'cluster')
  if (clusterName === '' && !hasEntry(document, 'cluster', ''))
    throw invalidKubeconfig(path, `has no cluster in context ${quoteValue(current)}`, 'expected a name')
  const cluster = findEntry(document, path, 'cluster', clusterName, `context ${quoteValue(current)}`)
  const userName = nonEmptyString(field(context, 'user')) ?? (hasEntry(document, 'user', '') ? '' : undefined)
  const user =
    userName === undefined ? {} : findEntry(document, path, 'user', userName, `context ${quoteValue(current)}`)
  const absolute = (name: unknown) => absolutePath(path, nonEmptyString(name))
  return {
    cluster: readCluster(clusterName, cluster, absolute, path),
    user: readUser(userName ?? 'anonymous', user, cluster, absolute, path),
    tokenFile: absolute(field(user, 'tokenFile')),
  }
}

type AbsolutePath = (name: unknown) => string | undefined

function readCluster(name: string, cluster: unknown, absolute: AbsolutePath, path: string): KubeCluster {
  const caData = nonEmptyString(field(cluster, 'certificate-authority-data'))
  const caFile = caData === undefined ? absolute(field(cluster, 'certificate-authority')) : undefined
  const skipTLSVerify = field(cluster, 'insecure-skip-tls-verify') === true
  // As in client-go: the two contradict each other.
  if (skipTLSVerify && (caData !== undefined || caFile !== undefined))
    throw invalidKubeconfig(
      path,
      `has insecure-skip-tls-verify beside a certificate-authority in cluster ${quoteValue(name)}`,
      'expected one of them',
    )
  return withoutUndefined({
    name,
    server: nonEmptyString(field(cluster, 'server')) ?? '',
    skipTLSVerify,
    caData,
    caFile,
    tlsServerName: nonEmptyString(field(cluster, 'tls-server-name')),
    proxyUrl: nonEmptyString(field(cluster, 'proxy-url')),
  })
}

function readUser(name: string, user: unknown, cluster: unknown, absolute: AbsolutePath, path: string): KubeUser {
  const certData = nonEmptyString(field(user, 'client-certificate-data'))
  const keyData = nonEmptyString(field(user, 'client-key-data'))
  const impersonation = {
    impersonateUser: nonEmptyString(field(user, 'as')),
    impersonateUid: nonEmptyString(field(user, 'as-uid')),
    impersonateGroups: stringList(field(user, 'as-groups')),
    impersonateExtra: readExtra(field(user, 'as-user-extra')),
  }
  const { impersonateUser, ...others } = impersonation
  if (impersonateUser === undefined && Object.values(others).some(value => value !== undefined))
    throw invalidKubeconfig(
      path,
      `has as-uid, as-groups or as-user-extra without as in user ${quoteValue(name)}`,
      'expected as',
    )
  return withoutUndefined({
    name,
    certData,
    certFile: certData === undefined ? absolute(field(user, 'client-certificate')) : undefined,
    keyData,
    keyFile: keyData === undefined ? absolute(field(user, 'client-key')) : undefined,
    token: nonEmptyString(field(user, 'token'))?.trim(),
    username: nonEmptyString(field(user, 'username')),
    password: nonEmptyString(field(user, 'password')),
    ...impersonation,
    exec: readExec(field(user, 'exec'), cluster, path),
    authProvider: field(user, 'auth-provider') ?? undefined,
  })
}

/** As in kubectl, a command with a slash is relative to the kubeconfig. */
function readExec(exec: unknown, cluster: unknown, path: string): ExecPlugin | undefined {
  if (exec === undefined || exec === null) return undefined
  const command = nonEmptyString(field(exec, 'command'))
  if (command === undefined) throw invalidKubeconfig(path, 'has an exec without a command', 'expected a program')
  const [args, env] = ['args', 'env'].map(key => {
    const list = field(exec, key)
    return Array.isArray(list) ? (list as unknown[]) : []
  }) as [unknown[], unknown[]]
  const variables = env.map(
    entry => [nonEmptyString(field(entry, 'name')) ?? '', textForExec(field(entry, 'value') ?? '', path)] as const,
  )
  return withoutUndefined({
    apiVersion: nonEmptyString(field(exec, 'apiVersion')) ?? 'client.authentication.k8s.io/v1',
    command: command.includes('/') ? absolutePath(path, command)! : command,
    args: args.map(arg => textForExec(arg, path)),
    env: Object.fromEntries(variables.filter(([name]) => name !== '')),
    installHint: nonEmptyString(field(exec, 'installHint')),
    providesClusterInfo: field(exec, 'provideClusterInfo') === true,
    clusterConfig: readExtension(cluster),
  })
}

/** A text, which may be empty. Another value, such as `true` without quotes, may mean another text than it looks like. */
function textForExec(value: unknown, path: string): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  throw invalidKubeconfig(
    path,
    `has an exec with the value ${quoteValue(String(value))}`,
    'expected a text: put it in quotes',
  )
}

/** The settings of the cluster entry for exec commands, in an extension with this reserved name. */
function readExtension(cluster: unknown): unknown {
  const extensions = field(cluster, 'extensions')
  if (!Array.isArray(extensions)) return undefined
  return field(
    extensions.find(one => field(one, 'name') === 'client.authentication.k8s.io/exec'),
    'extension',
  )
}

function readExtra(extra: unknown): Record<string, string[]> | undefined {
  if (typeof extra !== 'object' || extra === null) return undefined
  const entries = Object.entries(extra).map(([key, values]) => [key, stringList(values) ?? []] as const)
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}

function stringList(value: unknown): string[] | undefined {
  const list = (Array.isArray(value) ? value : []).map(nonEmptyString).filter(text => text !== undefined)
  return list.length === 0 ? undefined : list
}

function hasEntry(document: unknown, kind: string, name: string): boolean {
  const list = field(document, `${kind}s`)
  return Array.isArray(list) && list.some(item => nameOf(item, 'name') === name)
}

/** A name in a field. As in client-go, an absent one is empty, and an entry may have it: Talos writes such kubeconfigs. */
function nameOf(object: unknown, key: string): string {
  return nonEmptyString(field(object, key)) ?? ''
}

/** The named entry of one of the lists `clusters`, `contexts` and `users`. */
function findEntry(document: unknown, path: string, kind: string, name: string, referencedBy: string): unknown {
  const list = field(document, `${kind}s`)
  const match = Array.isArray(list) ? list.find(item => nameOf(item, 'name') === name) : undefined
  const content = field(match, kind)
  if (typeof content === 'object' && content !== null) return content
  // As in client-go: an entry without content has no settings.
  if (match !== undefined && (content === null || content === undefined)) return {}
  const names = Array.isArray(list) ? list.map(item => quoteValue(nameOf(item, 'name'))).join(', ') : ''
  throw invalidKubeconfig(
    path,
    `has no ${kind} ${quoteValue(name)}`,
    `which ${referencedBy} names; it has ${names === '' ? `no ${kind}s` : `the ${kind}s ${names}`}`,
  )
}

function invalidKubeconfig(path: string, problem: string, expected: string, cause?: unknown): ProxyFailure {
  return new ProxyFailure('KUBECONFIG_INVALID', `The kubeconfig ${quoteValue(path)} ${problem}, ${expected}`, {
    cause,
    hint: `Try: kubectl --kubeconfig=${quoteValue(path)} get services`,
  })
}

function absolutePath(kubeconfig: string, name: string | undefined): string | undefined {
  return name === undefined || isAbsolute(name) ? name : join(dirname(kubeconfig), name)
}

function nonEmptyString(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** What this program says of a mistake, without the key or anchor that it quotes: that may be a credential. */
function withoutQuotedText(text: string): string {
  // A long text is cut off, and has no quotation mark at its end.
  return text.replace(/".*"|".*$/s, '…')
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** Removes undefined fields, for types in which a field may be absent but not undefined. */
function withoutUndefined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>
}
