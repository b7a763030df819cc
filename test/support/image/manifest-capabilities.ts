import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

/** Those that the manifests give to the container. */
export function manifestCapabilities(): readonly string[] {
  const daemonSet = parse(readFileSync('deploy/base/daemonset.yaml', 'utf8')) as {
    spec: { template: { spec: { containers: [{ securityContext: { capabilities: { add: string[] } } }] } } }
  }
  return daemonSet.spec.template.spec.containers[0].securityContext.capabilities.add
}
