import { type KubeProxyConfig } from './kube-proxy-config.js'
import { kubeProxyConfiguration } from './kube-proxy-configuration.js'

type Fields = Readonly<Record<string, unknown>>

/** Beginnings of field names that Go writes in capitals. */
const INITIALS = /^(iptables|nftables|ipvs|snat|qps|oom|tcp|udp)/
const CAPITALS: ReadonlyMap<string, string> = new Map(Object.entries({ iptables: 'IPTables', nftables: 'NFTables' }))
/** These have the same names inside and outside. */
const UNCHANGED = ['featureGates', 'logging']

/**
 * The configuration as kube-proxy 1.36 shows it at `/configz`: in its code, fields have other names than in a file, those of Linux and
 * Windows have sections of their own, and the periods are those of the mode in use. A tool that reads one finds the same fields here.
 *
 * @param mode the mode in use
 */
export function internalConfiguration(config: KubeProxyConfig, mode: string): Fields {
  const { apiVersion: _, kind: __, ...configuration } = kubeProxyConfiguration(config)
  const { clusterCIDR, conntrack, detectLocal, oomScoreAdj, windowsRunAsService, ...rest } = configuration
  const { masqueradeAll, ...iptables } = rest['iptables'] as Fields
  // Userspace mode has the periods of iptables, as in kube-proxy.
  const { syncPeriod, minSyncPeriod } = { ...iptables, ...(rest[mode] as Fields | undefined) }
  return renamed({
    linux: { conntrack, masqueradeAll, oomScoreAdj },
    windows: { runAsService: windowsRunAsService },
    ...rest,
    iptables: withoutSharedFields(iptables),
    ipvs: withoutSharedFields(rest['ipvs'] as Fields),
    nftables: withoutSharedFields(rest['nftables'] as Fields),
    detectLocal: { ...(detectLocal as Fields), clusterCIDRs: listOf(String(clusterCIDR)) },
    syncPeriod,
    minSyncPeriod,
  })
}

function withoutSharedFields(section: Fields): Fields {
  const { syncPeriod: _, minSyncPeriod: __, masqueradeAll: ___, ...rest } = section
  return rest
}

function listOf(text: string): readonly string[] {
  return text.split(',').filter(part => part !== '')
}

function renamed(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      goName(name),
      UNCHANGED.includes(name) ? value : renamedValue(value),
    ]),
  )
}

/** As in Go, a list without entries is null. */
function renamedValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? null : value
  return typeof value === 'object' && value !== null ? renamed(value as Fields) : value
}

function goName(name: string): string {
  const [initials] = INITIALS.exec(name) ?? []
  if (initials === undefined) return name.charAt(0).toUpperCase() + name.slice(1)
  return (CAPITALS.get(initials) ?? initials.toUpperCase()) + name.slice(initials.length)
}
