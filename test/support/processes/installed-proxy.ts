import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { ProgramLog } from '../../../lib/demo/program-log.js'
import { MODES } from '../../../lib/modes/registry.js'
import { readYaml } from '../../../lib/source/read-yaml.js'
import { ipvsUnavailable } from '../nodes/ipvs-unavailable.js'
import { NODE_IP, type NodeNetwork, type TeardownScope, namespacesUnavailable } from '../nodes/node-network.js'
import { NodeProcess } from '../nodes/node-process.js'
import { TIMEOUT_FACTOR } from '../nodes/timeout-factor.js'
import { PROXY_PROGRAM } from './proxy-process.js'

const LOG_TIMEOUT_MS = 30_000 * TIMEOUT_FACTOR
/** Cases of this repository, and more of them where the tests of this project usually run. */
const FOLDERS = [
  fileURLToPath(new URL('../../../../test/installers', import.meta.url)),
  fileURLToPath(new URL('../../../../../shared/cases/installers', import.meta.url)),
]
/** The reason why no installer can be tried here, or false. */
export const installersUnavailable =
  namespacesUnavailable || (spawnSync('openssl', ['version']).status === 0 ? false : 'openssl is not installed')

/** Modes that this node or this version does not have, and what the program then says. */
const IMPOSSIBLE_MODES: readonly (ImpossibleMode & { readonly isImpossible: boolean })[] = [
  {
    mode: 'ipvs',
    isImpossible: ipvsUnavailable !== false,
    message: /Cannot serve in mode "ipvs" on this node/,
  },
  {
    mode: 'nftables',
    isImpossible: MODES.every(({ name }) => name !== 'nftables'),
    message: /this version has no nftables mode/,
  },
]

/** Asks, as the kubelet does, until the proxy says that it serves: before that, the rules of an earlier one may serve. */
const WAIT_UNTIL_READY = `
  const ask = () => fetch('http://127.0.0.1:10256/readyz').then(({ ok }) => ok, () => false)
  while (!(await ask())) await new Promise(resolve => setTimeout(resolve, 50))`
const READY_TIMEOUT_MS = 60_000 * TIMEOUT_FACTOR
const SERVICE_ACCOUNT = 'var/run/secrets/kubernetes.io/serviceaccount'

/** How an installer starts kube-proxy. */
export interface Installer {
  readonly name: string
  /** The command line, beginning with `kube-proxy`. */
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Texts by absolute path. */
  readonly files: Readonly<Record<string, string>>
  /** What starts the command line in its container, with `...` in the place of its flags; left out: nothing else does. */
  readonly container?: { readonly command: readonly string[]; readonly args?: readonly string[] }
  /** What the container has of the node and of the cluster: paths, with words about them in parentheses. */
  readonly mounts?: readonly string[]
}

/** A mode that cannot serve here. */
export interface ImpossibleMode {
  readonly mode: string
  /** What the program says about it. */
  readonly message: RegExp
}

/** Files of an API server's certificate, which is its own CA. */
export interface ServerCertificate {
  readonly key: string
  readonly certificate: string
}

/** The mode of an installer, if it cannot serve here. */
export function impossibleModeOf(installer: Installer): ImpossibleMode | undefined {
  return IMPOSSIBLE_MODES.find(({ mode, isImpossible }) => isImpossible && startsInMode(installer, mode))
}

/** Whether the command line or a file of an installer names this mode. */
export function startsInMode({ command, files }: Installer, mode: string): boolean {
  const text = [...command, ...Object.values(files)].join('\n')
  return new RegExp(`(--proxy-mode=|^ *mode: "?)${mode}\\b`, 'm').test(text)
}

/** The Nodes of a cluster that knows this node under all names that installers use. */
function makeInstallerNodes(installers: readonly Installer[]): readonly object[] {
  const names = installers.map(
    ({ command }) => /--hostname-override=(\S+)/.exec(command.join(' '))?.[1] ?? hostname().toLowerCase(),
  )
  return [...new Set(names)].map(name => ({
    metadata: { name },
    spec: { podCIDRs: ['10.244.0.0/24'] },
    status: { addresses: [{ type: 'InternalIP', address: NODE_IP }] },
  }))
}

/** All installers, each once; in files `NAME.yaml`. */
export function readInstallers(): readonly Installer[] {
  const byName = new Map<string, Installer>()
  for (const folder of FOLDERS.filter(path => existsSync(path)))
    for (const file of readdirSync(folder).filter(name => name.endsWith('.yaml'))) {
      const [document] = readYaml(readFileSync(join(folder, file), 'utf8'))
      const name = file.replace(/\.yaml$/, '')
      byName.set(name, { env: {}, files: {}, ...(document!.value as Omit<Installer, 'env' | 'files'>), name })
    }
  return [...byName.values()]
}

/** A certificate for an API server at 127.0.0.1, in files. Its own CA, so clients can trust it. */
export function makeCertificate(t: TeardownScope): ServerCertificate {
  const folder = mkdtempSync(join(tmpdir(), 'certificate-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const output = ['-keyout', key, '-out', certificate, '-days', '2']
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject, ...output], { stdio: 'pipe' })
  return { key, certificate }
}

/**
 * Starts an API server at 127.0.0.1:6443 that knows the node under all names that installers use.
 * @param objects what else it has, by resource
 * @returns the certificate that the proxies must trust
 */
export async function startInstallerApi(
  t: Test,
  network: NodeNetwork,
  installers: readonly Installer[],
  objects: Readonly<Record<string, readonly object[]>>,
): Promise<ServerCertificate> {
  const tls = makeCertificate(t)
  const api = new NodeProcess(network, 'api/api-server-entry', ['6443', tls.key, tls.certificate])
  await api.readLine()
  const all = Object.entries({ nodes: makeInstallerNodes(installers), ...objects })
  await api.sendCommand({ put: all.flatMap(([resource, each]) => each.map(object => [resource, object])) })
  return tls
}

/** In a mount namespace of its own: `/var` has only the files of the installer, and `/etc` has them in addition. */
const START = `
set -e
mount -t tmpfs tmpfs /var
mkdir -p /var/run /var/log /var/tmp
cp -r "$1/var/." /var/
if [ -d "$1/etc" ]; then
  cp -a /etc "$1/all-of-etc"
  cp -r "$1/etc/." "$1/all-of-etc/"
  mount --bind "$1/all-of-etc" /etc
fi
shift
exec "$@"
`

/** Writes the files of an installer, and the certificates and tokens that it expects. @returns the folder that has them as `/` */
export function writeInstallerFiles(t: Test, { files }: Installer, { key, certificate }: ServerCertificate): string {
  const root = mkdtempSync(join(tmpdir(), 'installed-'))
  t.teardown(() => rmSync(root, { recursive: true }))
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  const ca = readFileSync(certificate)
  write(`${SERVICE_ACCOUNT}/ca.crt`, ca.toString())
  write(`${SERVICE_ACCOUNT}/token`, 'token')
  for (const [path, text] of Object.entries(files))
    write(path, text.replace('CA_DATA', ca.toString('base64')).replace('TOKEN', 'token'))
  for (const [path] of Object.values(files).flatMap(text => [...text.matchAll(/(?<=: )\/[\w/.-]+\.(crt|key)\b/g)]))
    if (!existsSync(join(root, path))) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      cpSync(path.endsWith('.key') ? key : certificate, join(root, path))
    }
  return root
}

/**
 * Starts the program as an installer does, unchanged: its command line, and its files at their paths. The API server must be at
 * 127.0.0.1:6443.
 */
export function startInstalled(t: Test, network: NodeNetwork, installer: Installer, certificate: ServerCertificate) {
  const { command, env } = installer
  const root = writeInstallerFiles(t, installer, certificate)
  const args = ['--mount', '--propagation=private', 'sh', '-c', START, 'sh', root, process.execPath, PROXY_PROGRAM]
  const child = network.start(network.node, 'unshare', [...args, ...command.slice(1)], { ...process.env, ...env })
  const ended = once(child, 'exit').then(([code]: (number | null)[]) => code ?? null)
  const log = new ProgramLog(child, child.stderr!, LOG_TIMEOUT_MS)
  return { child, ended, log, ready: () => waitUntilReady(network, ended) }
}

/**
 * Waits until the proxy of a node says that it serves.
 * @param ended resolves with the exit code when it has ended
 * @returns 0 when it serves; its exit code if it ends before
 */
export async function waitUntilReady(network: NodeNetwork, ended: Promise<number | null>): Promise<number | null> {
  const askUntilReady = ['--input-type=module', '--eval', WAIT_UNTIL_READY]
  const asked = network.node.run(process.execPath, askUntilReady, { timeoutMs: READY_TIMEOUT_MS })
  return Promise.race([asked.then(({ exitCode }) => exitCode), ended])
}
