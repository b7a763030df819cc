import { type Lab, type Ran } from './lab.js'

/** The entry of the node's kernel for the UDP flow of the client to the Service, with its counters. */
export interface UdpFlow {
  readonly ran: Ran
  /** The packets of the client. */
  readonly sent: number
  /** The address that they are sent to in place of the ClusterIP; empty without an entry. */
  readonly leadsTo: string
  /** The packets that came back. */
  readonly answered: number
  /** The kernel deletes the entry after so many seconds without a packet. */
  readonly secondsLeft: number
}

const ENTRY = /^udp +17 (\d+) src=\S+ .*?packets=(\d+) .*? src=(\S+) .*?packets=(\d+) /

/** Reads the entry. Packets are only counted with `net.netfilter.nf_conntrack_acct`. */
export async function readUdpFlow(lab: Lab): Promise<UdpFlow> {
  const ran = await lab.run('node', 'conntrack', '-L', '-p', 'udp', '--orig-dst', lab.service.clusterIP)
  const output = ran.output.split('\n').find(line => line.includes(` src=${lab.clientIP} `)) ?? ''
  const [, secondsLeft, sent, leadsTo = '', answered] = ENTRY.exec(output) ?? []
  const [seconds, packets, answers] = [secondsLeft, sent, answered].map(text => Number(text ?? 0)) as [
    number,
    number,
    number,
  ]
  return { ran: { ...ran, output }, sent: packets, leadsTo, answered: answers, secondsLeft: seconds }
}

/** Reads the entry until it is as wanted. @throws Error if it does not become so */
export async function untilUdpFlow(lab: Lab, isWanted: (flow: UdpFlow) => boolean): Promise<UdpFlow> {
  let flow = await readUdpFlow(lab)
  await lab.until(
    () => isWanted(flow),
    async () => {
      flow = await readUdpFlow(lab)
      return flow.ran
    },
  )
  return flow
}
