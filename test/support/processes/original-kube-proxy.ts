import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Kubernetes' own kube-proxy 1.20.2, where KUBE_PROXY_PEER names one; undefined elsewhere. */
export function originalProgram(): string | undefined {
  const { KUBE_PROXY_PEER } = process.env
  return KUBE_PROXY_PEER === '' ? undefined : KUBE_PROXY_PEER
}

/** Why there is none here, or false: for the `skip` option of a test. */
export const originalUnavailable =
  originalProgram() === undefined && 'KUBE_PROXY_PEER does not name a kube-proxy of Kubernetes 1.20.2'

/**
 * Flags to start it with. Its node has to be an object with an InternalIP, and has to have a default route.
 *
 * @param kubeconfig of one of our API servers for tests
 */
export function originalFlags(mode: string, kubeconfig: string, nodeName: string): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    `--proxy-mode=${mode}`,
    // With slices, the userspace mode gets no endpoints at all (kubernetes/kubernetes#100880).
    ...(mode === 'userspace' ? ['--feature-gates=EndpointSliceProxying=false'] : []),
    `--hostname-override=${nodeName}`,
    // Our API servers for tests speak nothing else.
    '--kube-api-content-type=application/json',
    // These belong to the whole machine, and are not to be changed.
    '--conntrack-max-per-core=0',
    '--conntrack-tcp-timeout-established=0',
    '--conntrack-tcp-timeout-close-wait=0',
  ]
}

/** Writes a kubeconfig for a server that asks nobody who they are; returns its path. */
export function writeKubeconfig(folder: string, url: string): string {
  const path = join(folder, 'kubeconfig')
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    clusters: [{ name: 'test', cluster: { server: url } }],
    users: [{ name: 'test', user: {} }],
  }
  writeFileSync(path, JSON.stringify(config))
  return path
}
