import { type Frontend } from '../frontends/frontend.js'

/** A frontend in words: `cluster IP of Service default/web`. */
export function describeFrontend({ kind, servicePort: { namespace, name } }: Frontend): string {
  return `${kind} of Service ${namespace}/${name}`
}
