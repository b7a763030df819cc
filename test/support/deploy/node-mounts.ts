import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

interface PodSpec {
  readonly containers: readonly [
    {
      readonly volumeMounts: readonly {
        readonly name: string
        readonly mountPath: string
        readonly readOnly?: boolean
      }[]
    },
  ]
  readonly volumes: readonly { readonly name: string; readonly hostPath: { readonly path: string } }[]
}

/** A folder of the node that a container sees at another path. */
export interface NodeMount {
  readonly source: string
  readonly target: string
  readonly access: 'rw' | 'ro'
}

/** The mounts that a component in `deploy/components` adds to the proxy's container. */
export function readNodeMounts(component: string): readonly NodeMount[] {
  const { spec } = parse(readFileSync(`deploy/components/${component}/daemonset.yaml`, 'utf8')) as {
    spec: { template: { spec: PodSpec } }
  }
  const { containers, volumes } = spec.template.spec
  return containers[0].volumeMounts.map(({ name, mountPath, readOnly = false }) => ({
    source: volumes.find(volume => volume.name === name)!.hostPath.path,
    target: mountPath,
    access: readOnly ? 'ro' : 'rw',
  }))
}

/** As in a container that is not privileged: the folders of the node are at their places below /mnt, and /proc/sys is read-only. */
const START = `
set -e
mount -t tmpfs tmpfs /mnt
while [ "$1" != -- ]; do
  mkdir -p "$2"
  mount --bind "$1" "$2"
  [ "$3" = rw ] || mount -o remount,bind,ro "$2"
  shift 3
done
shift
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
exec "$@"
`

/** The start of a command that runs with the mounts of a container, in the network of its parent. */
export function withMounts(mounts: readonly NodeMount[]): readonly string[] {
  const words = mounts.flatMap(({ source, target, access }) => [source, target, access])
  return ['unshare', '--mount', '--propagation=private', 'sh', '-c', START, 'sh', ...words, '--']
}
