import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

export interface ServiceManifestOptions {
  readonly clusterIP: string
  readonly port: number
  readonly protocol?: 'TCP' | 'UDP'
  readonly affinity?: boolean
  /** ClusterIPs of the other family. */
  readonly otherClusterIPs?: readonly string[]
  readonly nodePort?: number
}

/** A v1 Service with one unnamed port. */
export function makeServiceManifest(
  name: string,
  { clusterIP, port, protocol = 'TCP', affinity = false, otherClusterIPs = [], nodePort }: ServiceManifestOptions,
): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name },
    spec: {
      clusterIP,
      clusterIPs: [clusterIP, ...otherClusterIPs],
      sessionAffinity: affinity ? 'ClientIP' : 'None',
      ports: [{ port, protocol, ...(nodePort !== undefined && { nodePort }) }],
      ...(nodePort !== undefined && { type: 'NodePort' }),
    },
  }
}

/** A discovery.k8s.io/v1 EndpointSlice of ready endpoints. */
export function makeSliceManifest(
  name: string,
  ips: readonly string[],
  port: number,
  protocol: 'TCP' | 'UDP' = 'TCP',
): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      namespace: 'default',
      name: `${name}-${ips[0]?.includes(':') ? 6 : 1}`,
      labels: { 'kubernetes.io/service-name': name },
    },
    addressType: ips[0]?.includes(':') ? 'IPv6' : 'IPv4',
    ports: [{ name: '', port, protocol }],
    endpoints: ips.map(ip => ({ addresses: [ip], conditions: { ready: true } })),
  }
}

/** A folder with one manifest that is replaced atomically, so that the proxy never reads half of it. */
export class ManifestFolder {
  readonly path: string

  constructor(t: Test) {
    this.path = mkdtempSync(join(tmpdir(), 'manifests-'))
    t.teardown(() => rmSync(this.path, { recursive: true }))
  }

  write(...objects: readonly object[]): void {
    const draft = join(this.path, '.draft')
    writeFileSync(draft, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }))
    renameSync(draft, join(this.path, 'objects.json'))
  }
}
