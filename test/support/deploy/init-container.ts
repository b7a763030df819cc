import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { type NodeNetwork } from '../nodes/node-network.js'

interface PodSpec {
  readonly initContainers: readonly {
    readonly name: string
    readonly command: readonly string[]
    readonly securityContext: { readonly capabilities: { readonly drop: readonly string[]; readonly add?: string[] } }
    readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[]
  }[]
  readonly volumes?: readonly { readonly name: string; readonly hostPath: { readonly path: string } }[]
}

/** A container that ends before the proxy of a Pod starts. */
export interface InitContainer {
  readonly name: string
  readonly command: readonly string[]
  readonly capabilities: readonly string[]
  /** Folders of the node that it sees at another path. */
  readonly mounts: readonly { readonly source: string; readonly target: string }[]
}

/** The init containers of a component in `deploy/components`. */
export function readInitContainers(component: string): readonly InitContainer[] {
  const { spec } = parse(readFileSync(`deploy/components/${component}/daemonset.yaml`, 'utf8')) as {
    spec: { template: { spec: PodSpec } }
  }
  const { initContainers, volumes = [] } = spec.template.spec
  return initContainers.map(({ name, command, securityContext, volumeMounts = [] }) => ({
    name,
    command,
    capabilities: securityContext.capabilities.add ?? [],
    mounts: volumeMounts.flatMap(({ name, mountPath }) => {
      const volume = volumes.find(candidate => candidate.name === name)
      return volume === undefined ? [] : [{ source: volume.hostPath.path, target: mountPath }]
    }),
  }))
}

/** As in a container: the folders of the node are at their places below /mnt, and /proc/sys is read-only. */
const START = `
set -e
mount -t tmpfs tmpfs /mnt
while [ "$1" != -- ]; do
  mkdir -p "$2"
  mount --bind "$1" "$2"
  shift 2
done
shift
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
exec "$@"
`

/**
 * Runs it in the network of a node, with the programs of this machine and the capabilities that the manifest gives it.
 * @param missing a capability that it does not get
 */
export async function runInitContainer(
  network: NodeNetwork,
  { command, capabilities, mounts }: InitContainer,
  missing?: string,
): Promise<{ readonly exitCode: number | null; readonly stderr: string }> {
  const allowed = capabilities.filter(name => name !== missing).map(name => `+${name.toLowerCase()}`)
  const set = ['-all', ...allowed].join(',')
  return network.node.run('unshare', [
    ...['--mount', '--propagation=private', 'sh', '-c', START, 'sh'],
    ...mounts.flatMap(({ source, target }) => [source, target]),
    ...['--', 'setpriv', `--bounding-set=${set}`, `--inh-caps=${set}`, '--no-new-privs', ...command],
  ])
}
