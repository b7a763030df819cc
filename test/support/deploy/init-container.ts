import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { type NodeNetwork } from '../nodes/node-network.js'

/** A container that ends before the proxy of a Pod starts. */
export interface InitContainer {
  readonly name: string
  readonly command: readonly string[]
  readonly securityContext: { readonly capabilities: { readonly add: readonly string[] } }
}

/** The init containers of a DaemonSet in a folder of `deploy`, such as `components/ipvs-modules`. */
export function readInitContainers(folder: string): readonly InitContainer[] {
  const { spec } = parse(readFileSync(`deploy/${folder}/daemonset.yaml`, 'utf8')) as {
    spec: { template: { spec: { initContainers: readonly InitContainer[] } } }
  }
  return spec.template.spec.initContainers
}

/**
 * Runs it on a node, with the programs of this machine and the capabilities that the manifest gives it.
 * @param missing a capability that it does not get
 */
export async function runInitContainer(
  network: NodeNetwork,
  { command, securityContext }: InitContainer,
  missing?: string,
): Promise<{ readonly exitCode: number | null; readonly stderr: string }> {
  const allowed = securityContext.capabilities.add.filter(name => name !== missing)
  const set = ['-all', ...allowed.map(name => `+${name.toLowerCase()}`)].join(',')
  return network.node.run('setpriv', [`--bounding-set=${set}`, `--inh-caps=${set}`, '--no-new-privs', ...command])
}
