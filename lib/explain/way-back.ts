import { hostPort } from '../model/address.js'
import { type PacketPath } from '../netfilter/walk/packet-path.js'
import { type Packet } from '../netfilter/walk/packet-view.js'
import { type ExplainedWay } from './explanation.js'

/**
 * How the answer to a packet comes back, in sentences.
 * @param proxySource the address from which the proxy has opened its own connection, if it has
 */
export function wayBack(
  { end, endpoint, sourceSeen, seesClient }: Omit<ExplainedWay, 'wayBack'>,
  path: PacketPath,
  { packet: { source, destination, port, protocol } }: { readonly packet: Packet },
  proxySource?: string,
): string[] {
  const asked = hostPort(destination, port)
  switch (end) {
    case 'dropped':
      return ['Nothing comes back: the client waits until its own timeout.']
    case 'refused':
      return [refusalSentence(path, protocol)]
    case 'reset':
      return ['kube-proxy accepts the connection and resets it: the client sees "connection reset".']
    case 'endpoint':
      if (proxySource !== undefined)
        return [
          `${endpoint} answers to ${sourceSeen}, where the connection of kube-proxy ends.`,
          `kube-proxy writes the answer into the connection of the client; conntrack gives it the source ${asked}, so ${source} sees only that.`,
        ]
      return seesClient
        ? [
            `${endpoint} answers to ${source} itself.`,
            `The answer has to pass this node: conntrack gives it the source ${asked}, which is where ${source} expects it from.`,
          ]
        : [
            `${endpoint} answers to ${sourceSeen ?? 'the node'}, an address of this node.`,
            `conntrack gives the answer the source ${asked} and the destination ${source}, and the node sends it on.`,
          ]
    case 'proxy-port':
      return [`A process of the node answers; conntrack gives the answer the source ${asked}.`]
    case 'node':
      return ['If a process of the node listens there, it answers; otherwise the kernel refuses.']
    case 'elsewhere':
      return [`The host with the address answers to ${sourceSeen ?? source}, if there is one.`]
    case 'unknown':
      return []
  }
}

function refusalSentence({ end }: PacketPath, protocol: string): string {
  const isReset = end.kind === 'refused' ? end.with === 'tcp-reset' : protocol === 'TCP'
  return isReset
    ? 'The kernel answers with a TCP reset: the client sees "connection refused" at once.'
    : 'The kernel answers with the ICMP message "port unreachable": the client sees "connection refused".'
}
