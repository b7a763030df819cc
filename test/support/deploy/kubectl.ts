import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Older ones have a kustomize without components and without `resources` that are folders. */
const MIN_MINOR = 21

const found = findKubectl()

/** The reason why no kubectl with a usable kustomize is here, or false: for the `skip` option of a test. */
export const kubectlUnavailable = typeof found === 'string' ? false : found.reason

/** The path of the kubectl that the tests use. */
export function kubectlPath(): string {
  if (typeof found !== 'string') throw new Error(found.reason)
  return found
}

/** The objects of a folder with a `kustomization.yaml`, as YAML. */
export function renderKustomization(folder: string): string {
  return execFileSync(kubectlPath(), ['kustomize', folder], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

function findKubectl(): string | { readonly reason: string } {
  const assets = process.env['KUBEBUILDER_ASSETS']
  const path = assets !== undefined && existsSync(join(assets, 'kubectl')) ? join(assets, 'kubectl') : 'kubectl'
  // Packages of distributions are often older than that.
  const advice =
    `Set KUBEBUILDER_ASSETS to a folder with kubectl 1.${MIN_MINOR} or newer, ` +
    'or put one into PATH, from https://kubernetes.io/docs/tasks/tools/'
  try {
    const version = execFileSync(path, ['version', '--client', '--output=json'], { encoding: 'utf8', stdio: 'pipe' })
    const { clientVersion } = JSON.parse(version) as { clientVersion: { minor: string } }
    if (Number.parseInt(clientVersion.minor, 10) >= MIN_MINOR) return path
    return {
      reason: `${path} is kubectl 1.${clientVersion.minor}, and its kustomize is too old. ${advice}`,
    }
  } catch {
    return { reason: `There is no kubectl that runs. ${advice}` }
  }
}
