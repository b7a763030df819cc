import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { type ContainerOptions, type Mount } from '../image/container.js'
import { followLinks } from '../image/follow-links.js'
import { type TeardownScope } from '../nodes/node-network.js'

/** Where the kubelet mounts the token. */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

interface Volume {
  readonly name: string
  readonly configMap?: { readonly name: string }
  readonly hostPath?: { readonly path: string; readonly type?: string }
  readonly emptyDir?: { readonly medium: string }
}

interface PodSpec {
  readonly containers: readonly [
    {
      readonly command: readonly string[]
      readonly securityContext: {
        readonly readOnlyRootFilesystem: boolean
        readonly capabilities: { readonly drop: string[]; readonly add: string[] }
      }
      readonly volumeMounts: readonly {
        readonly name: string
        readonly mountPath: string
        readonly readOnly?: boolean
      }[]
      readonly readinessProbe: Probe
      readonly startupProbe: Probe
    },
  ]
  readonly volumes: readonly Volume[]
}

interface Probe {
  readonly exec: { readonly command: readonly string[] }
}

/** What a kubelet knows besides the manifests. */
export interface PodEnvironment {
  readonly nodeName: string
  /** The address of the API server, which an overlay sets. */
  readonly server: string
  /** The folder with the token of the ServiceAccount. */
  readonly serviceAccount: string
}

/** The container of the DaemonSet in `deploy/base`, as a kubelet makes it, and its exec probes. */
export interface PodContainer {
  readonly options: Pick<ContainerOptions, 'command' | 'mounts' | 'memory' | 'capabilities'>
  readonly probes: Readonly<Record<'startup' | 'readiness', readonly string[]>>
}

/** Reads the manifests and makes their volumes. */
export function makePodContainer(t: TeardownScope, { nodeName, server, serviceAccount }: PodEnvironment): PodContainer {
  const folder = mkdtempSync(join(tmpdir(), 'pod-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const { spec } = parse(readFileSync('deploy/base/daemonset.yaml', 'utf8')) as {
    spec: { template: { spec: PodSpec } }
  }
  const { containers, volumes } = spec.template.spec
  const [{ command, securityContext, volumeMounts, readinessProbe, startupProbe }] = containers
  const { drop, add } = securityContext.capabilities
  if (!securityContext.readOnlyRootFilesystem || drop.join(' ') !== 'ALL')
    throw new Error('This makes only containers with a read-only root and without any other capability')
  const mounts: Mount[] = [{ source: serviceAccount, target: followLinks(SERVICE_ACCOUNT) }]
  const memory: string[] = []
  for (const { name, mountPath, readOnly = false } of volumeMounts) {
    const volume = volumes.find(candidate => candidate.name === name)!
    if (volume.emptyDir === undefined)
      mounts.push({ source: makeVolume(folder, volume, server), target: followLinks(mountPath), readOnly })
    else memory.push(mountPath)
  }
  return {
    options: {
      command: command.map(word => word.replace('$(NODE_NAME)', nodeName)),
      mounts,
      memory,
      capabilities: add,
    },
    probes: { startup: startupProbe.exec.command, readiness: readinessProbe.exec.command },
  }
}

/** A folder or file with the content of a volume. Those of the host are empty ones here: the tests share the host with others. */
function makeVolume(folder: string, { name, configMap, hostPath }: Volume, server: string): string {
  const path = join(folder, name)
  if (hostPath?.type === 'FileOrCreate') writeFileSync(path, '')
  else mkdirSync(path)
  if (configMap === undefined) return path
  for (const file of ['config.conf', 'kubeconfig.conf']) {
    const text = readFileSync(join('deploy/base', file), 'utf8')
    writeFileSync(join(path, file), text.replace(/server: .*/, `server: ${server}`))
  }
  return path
}
