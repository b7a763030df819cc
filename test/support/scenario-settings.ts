import { type IpAddress, type IpFamily } from '../../lib/model/address.js'
import { type Cidr, parseCidr } from '../../lib/model/cidr.js'
import { onlyFields } from './only-fields.js'

/** The node of a scenario, and how the proxy is set on it. */
export interface ScenarioSettings {
  readonly nodeName: string
  /** Of its interfaces, loopback left out. */
  readonly addresses: readonly IpAddress[]
  readonly families: readonly IpFamily[]
  /** Where Pods send from: ranges of addresses, and interfaces by name, such as `cni0` or `veth+`. */
  readonly fromPods: readonly string[]
  readonly nodePortAddresses: readonly Cidr[] | 'primary' | undefined
  readonly localhostNodePorts: boolean
}

const NODE = { name: 'node-a', addresses: ['192.168.50.1', 'fd00:50::1'] }
const SETTINGS = {
  families: ['IPv4'] as readonly IpFamily[],
  fromPods: ['10.244.0.0/16', 'fd00:244::/64'],
  nodePortAddresses: undefined as readonly string[] | 'primary' | undefined,
  localhostNodePorts: true,
}

/** Reads what a scenario says of them; what it leaves out is as usual. */
export function readSettings(file: string, node: object, settings: object): ScenarioSettings {
  onlyFields(`${file}, node`, node, Object.keys(NODE))
  onlyFields(`${file}, settings`, settings, Object.keys(SETTINGS))
  const { name, addresses } = { ...NODE, ...node }
  const { nodePortAddresses: wanted, ...rest } = { ...SETTINGS, ...settings }
  return {
    nodeName: name,
    addresses,
    ...rest,
    nodePortAddresses: wanted === undefined || wanted === 'primary' ? wanted : wanted.map(text => rangeOf(file, text)),
  }
}

function rangeOf(file: string, text: string): Cidr {
  const range = parseCidr(text)
  if (range === undefined) throw new Error(`${file}: ${text} is not a range`)
  return range
}
