import { type Pod } from '../demo/cluster-objects.js'

/** The interface of the node that leads to a Pod. */
export function linkOf({ ip }: Pod): string {
  return `veth${ip.split('.').at(-1)}`
}
