import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Kubernetes' own kube-proxy 1.20.2, if KUBE_PROXY_PEER names one; otherwise undefined. */
export function originalProgram(): string | undefined {
  const { KUBE_PROXY_PEER } = process.env
  return KUBE_PROXY_PEER === '' ? undefined : KUBE_PROXY_PEER
}

/** The reason why there is none here, or false: for the `skip` option of a test. */
export const originalUnavailable =
  originalProgram() === undefined && 'KUBE_PROXY_PEER does not name a kube-proxy of Kubernetes 1.20.2'

/**
 * Its flags. It needs a Node object with an InternalIP, and a default route on the node.
 *
 * @param kubeconfig of an API server of the tests
 */
export function originalFlags(mode: string, kubeconfig: string, nodeName: string): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    `--proxy-mode=${mode}`,
    // With slices, its userspace mode gets no endpoints at all (kubernetes/kubernetes#100880).
    ...(mode === 'userspace' ? ['--feature-gates=EndpointSliceProxying=false'] : []),
    `--hostname-override=${nodeName}`,
    // The API servers of the tests support nothing else.
    '--kube-api-content-type=application/json',
    // These settings belong to the whole machine; the test must not change them.
    '--conntrack-max-per-core=0',
    '--conntrack-tcp-timeout-established=0',
    '--conntrack-tcp-timeout-close-wait=0',
  ]
}

/** Writes a kubeconfig for a server without authentication. @returns its path */
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
