import { stringify } from 'yaml'

/** An object as YAML that kubectl and kube-proxy read as the same object: texts that YAML 1.1 would take for something else are quoted. */
export function printYaml(object: object): string {
  return stringify(object, { version: '1.1', lineWidth: 0 })
}
