import { MODES } from '../../../lib/modes/registry.js'
import { FLAGS } from '../../../lib/config/options.js'
import { type KubeProxyConfig } from '../../../lib/config/kube-proxy-config.js'
import { type FlagValues } from '../../../lib/config/flag-settings.js'
import { readConfig } from '../../../lib/config/read-config.js'
import { type IpAddress, type IpFamily } from '../../../lib/model/address.js'
import { rejectUnknownFields } from './reject-unknown-fields.js'

/** The node of a scenario and the flags of the proxy. */
export interface ScenarioSettings {
  readonly config: KubeProxyConfig
  /** Families for which the node has an iptables. */
  readonly families: readonly IpFamily[]
  /** Addresses of the node's interfaces without loopback. */
  readonly addresses: readonly IpAddress[]
}

const DEFAULT_NODE = { name: 'node-a', addresses: ['192.168.50.1', 'fd00:50::1'] }
const DEFAULT_FLAGS = { 'cluster-cidr': '10.244.0.0/16,fd00:244::/64' }

/** Reads the settings of a scenario and fills in the defaults. */
export function parseSettings(
  file: string,
  { node = {}, families = ['IPv4'], flags = {} }: Readonly<Record<string, unknown>>,
): ScenarioSettings {
  rejectUnknownFields(`${file}, node`, node as object, Object.keys(DEFAULT_NODE))
  rejectUnknownFields(
    `${file}, flags`,
    flags as object,
    FLAGS.map(flag => flag.name),
  )
  const { name, addresses } = { ...DEFAULT_NODE, ...(node as object) }
  const { config, problems } = readConfig({ ...DEFAULT_FLAGS, ...(flags as FlagValues) }, name, MODES)
  if (problems.length > 0) throw new Error(`${file}: ${problems.join('; ')}`)
  return { config, families: families as IpFamily[], addresses }
}
