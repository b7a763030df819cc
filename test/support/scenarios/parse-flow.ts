import { parseIp, familyOf } from '../../../lib/model/address.js'
import { type FlowEnd, type FlowEntry } from '../../../lib/system/conntrack.js'

/** Finds the listener that a scenario names: a traffic class of `default/dns:dns/UDP`. */
export type FindListener = (servicePort: string, trafficClass: string) => FlowEnd | undefined

/**
 * Reads `10.96.0.10:53 > 192.168.50.1:39999`: the client sends to the first address, and replies come from the second, which can also
 * be `listener of default/dns:dns/UDP`, `local listener of …` and so on, by traffic class.
 */
export function parseFlow(text: string, find: FindListener): FlowEntry {
  const [to = '', by = ''] = text.split(' > ')
  const destination = parseFlowAddress(to)
  const [, trafficClass = 'cluster', servicePort] = /^(?:([a-z-]+) )?listener of (.+)$/.exec(by) ?? []
  const replySource = servicePort === undefined ? parseFlowAddress(by) : find(servicePort, trafficClass)
  if (destination === undefined || replySource === undefined) throw new Error(`flow not understood: ${text}`)
  const family = familyOf(destination.address)
  const source = { address: family === 'IPv4' ? '10.244.0.99' : 'fd00:244::99', port: 5000 }
  return { family, protocol: 'UDP', source, destination, replySource }
}

function parseFlowAddress(text: string): FlowEnd | undefined {
  const [, ip, port] = /^\[?(.*?)\]?:(\d+)$/.exec(text) ?? []
  const address = parseIp(ip)
  return address === undefined ? undefined : { address, port: Number(port) }
}
