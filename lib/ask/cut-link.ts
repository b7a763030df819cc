import { type Pod } from '../demo/cluster-objects.js'
import { type Change, changePlace } from './change-place.js'
import { type Lab } from './lab.js'
import { linkOf } from './link-of.js'

/** Cuts a Pod off from the network, until it is undone: no packet leaves it, and none reaches it. */
export function cutLink(lab: Lab, pod: Pod): Promise<Change> {
  const link = linkOf(pod)
  return changePlace(lab, 'node', ['ip', 'link', 'set', link, 'down'], ['ip', 'link', 'set', link, 'up'])
}
