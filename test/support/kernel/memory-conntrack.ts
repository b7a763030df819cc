import { type IpFamily } from '../../../lib/model/address.js'
import { type Conntrack, type FlowEnd, type UdpEntry } from '../../../lib/system/conntrack.js'

/** The kernel's UDP flow table in memory. */
export class MemoryConntrack implements Conntrack {
  entries: readonly UdpEntry[] = []

  listUdp(family: IpFamily): Promise<UdpEntry[]> {
    return Promise.resolve(this.entries.filter(entry => entry.family === family))
  }

  delete(entries: readonly UdpEntry[]): Promise<void> {
    const unwanted = new Set(entries.map(flowKey))
    this.entries = this.entries.filter(entry => !unwanted.has(flowKey(entry)))
    return Promise.resolve()
  }
}

function flowKey({ destination, replySource }: UdpEntry): string {
  const end = ({ address, port }: FlowEnd): string => `${address} ${port}`
  return `${end(destination)} ${end(replySource)}`
}
