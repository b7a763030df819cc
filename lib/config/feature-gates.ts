import { parseBool } from './parse-bool.js'
import { type SettingReader } from './setting-reader.js'
import { type ConfigNote } from './settings.js'

/** Feature gates of kube-proxy that stand for something that this proxy always does. All of them are generally available in 1.36. */
export const ALWAYS_ON_GATES: readonly string[] = [
  'EndpointSlice',
  'EndpointSliceProxying',
  'IPv6DualStack',
  'KubeProxyDrainingTerminatingNodes',
  'LoadBalancerIPMode',
  'MixedProtocolLBService',
  'PreferSameTrafficDistribution',
  'ProxyTerminatingEndpoints',
  'ServiceInternalTrafficPolicy',
  'ServiceTrafficDistribution',
  'TopologyAwareHints',
]

/** A note about the feature gates that have no effect. Gates are never a mistake: public configurations have those of other programs. */
export function noteFeatureGates(reader: SettingReader): readonly ConfigNote[] {
  const without = reader.readCommaList('feature-gates').filter(text => text !== '' && !isHonoured(text))
  if (without.length === 0) return []
  const message = 'Feature gates without effect: they belong to other programs, or this proxy has no other behaviour'
  return [{ isWarning: true, message, fields: { gates: without.join(',') } }]
}

function isHonoured(text: string): boolean {
  const [name, value = ''] = text.split('=', 2) as [string, string?]
  return ALWAYS_ON_GATES.includes(name.trim()) && parseBool(value.trim()) === true
}
