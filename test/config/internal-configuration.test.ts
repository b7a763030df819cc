import t from 'tap'
import { type FlagValues } from '../../lib/config/flag-settings.js'
import { internalConfiguration } from '../../lib/config/internal-configuration.js'
import { OPTIONS } from '../../lib/config/options.js'
import { readConfig } from '../../lib/config/read-config.js'
import { MODES } from '../../lib/modes/registry.js'

const shown = (values: FlagValues, mode = 'userspace') =>
  internalConfiguration(readConfig(values, 'host', MODES).config, mode)

/** The fields of the internal type of kube-proxy 1.36, and those of older and newer ones that have a meaning or a default here. */
const FIELDS = `
BindAddress BindAddressHardFail
ClientConnection.AcceptContentTypes ClientConnection.Burst ClientConnection.ContentType ClientConnection.Kubeconfig ClientConnection.QPS
ConfigSyncPeriod
DetectLocal.BridgeInterface DetectLocal.ClusterCIDRs DetectLocal.InterfaceNamePrefix
DetectLocalMode EnableProfiling FeatureGates HealthzBindAddress HostnameOverride
IPTables.LocalhostNodePorts IPTables.MasqueradeBit IPTables.SNATNodeInternalIP
IPVS.ExcludeCIDRs IPVS.Scheduler IPVS.StrictARP IPVS.TCPFinTimeout IPVS.TCPTimeout IPVS.UDPTimeout
Linux.Conntrack.MaxPerCore Linux.Conntrack.Min Linux.Conntrack.TCPBeLiberal Linux.Conntrack.TCPCloseWaitTimeout
Linux.Conntrack.TCPEstablishedTimeout Linux.Conntrack.UDPStreamTimeout Linux.Conntrack.UDPTimeout
Linux.MasqueradeAll Linux.OOMScoreAdj
Logging MetricsBindAddress MinSyncPeriod Mode
NFTables.MasqueradeBit NodePortAddresses PortRange ShowHiddenMetricsForVersion SyncPeriod UDPIdleTimeout
Windows.RunAsService
Winkernel.EnableDSR Winkernel.ForwardHealthCheckVip Winkernel.NetworkName Winkernel.RootHnsEndpointName Winkernel.SourceVip
`
  .trim()
  .split(/\s+/)

/** The paths of all fields, but not of those in a map or in what has the names of the file. */
function pathsOf(value: unknown, path = ''): string[] {
  const isSection = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isSection || ['FeatureGates', 'Logging'].includes(path)) return [path]
  return Object.entries(value).flatMap(([name, field]) => pathsOf(field, path === '' ? name : `${path}.${name}`))
}

t.test('/configz has the fields of kube-proxy under their names, and those of this program in one section', t => {
  const paths = pathsOf(shown({}))
  t.same(paths.filter(path => !path.startsWith('Userspace.')).sort(), [...FIELDS].sort())
  const own = OPTIONS.flatMap(({ field }) => (field?.startsWith('userspace.') === true ? [field] : []))
  t.same(
    paths.filter(path => path.startsWith('Userspace.')).map(path => path.toLowerCase()),
    own.map(field => field.toLowerCase()).sort(),
  )
  t.end()
})

t.test('/configz has the values in use in the notation of kube-proxy', t => {
  t.match(shown({}), {
    DetectLocal: { ClusterCIDRs: null },
    FeatureGates: {},
    IPVS: { ExcludeCIDRs: null, UDPTimeout: '0s' },
    Logging: { flushFrequency: '5s', format: 'text', options: { json: { infoBufferSize: '0' } }, verbosity: 0 },
    NodePortAddresses: null,
    Userspace: { DrainTimeout: '25s' },
  })
  t.match(
    shown({
      'cluster-cidr': '10.0.0.0/8,fd00::/64',
      'feature-gates': ['A=true'],
      'masquerade-all': true,
      'conntrack-tcp-timeout-established': '0',
      'oom-score-adj': '-5',
      'nodeport-addresses': ['primary'],
      v: '3',
    }),
    {
      DetectLocal: { ClusterCIDRs: ['10.0.0.0/8', 'fd00::/64'] },
      FeatureGates: { A: true },
      Linux: { MasqueradeAll: true, OOMScoreAdj: -5, Conntrack: { TCPEstablishedTimeout: '0s', MaxPerCore: 32768 } },
      NodePortAddresses: ['primary'],
      Logging: { verbosity: 3 },
    },
  )
  t.end()
})

t.test('the periods at /configz are those of the mode in use', t => {
  const values = { 'iptables-sync-period': '20s', 'ipvs-sync-period': '40s', 'ipvs-min-sync-period': '2s' }
  for (const mode of ['userspace', 'iptables'])
    t.match(shown(values, mode), { SyncPeriod: '20s', MinSyncPeriod: '1s' }, mode)
  t.match(shown(values, 'ipvs'), { SyncPeriod: '40s', MinSyncPeriod: '2s' })
  t.end()
})
