import { type IpFamily } from '../../../lib/model/address.js'
import { type Conntrack, type FlowEnd, type FlowEntry, type FlowProtocol } from '../../../lib/system/conntrack.js'

/** The kernel's flow table in memory. */
export class MemoryConntrack implements Conntrack {
  entries: readonly FlowEntry[] = []

  list(family: IpFamily, protocol: FlowProtocol): Promise<FlowEntry[]> {
    return Promise.resolve(this.entries.filter(entry => entry.family === family && entry.protocol === protocol))
  }

  delete(entries: readonly FlowEntry[]): Promise<number> {
    const unwanted = new Set(entries.map(flowKey))
    this.entries = this.entries.filter(entry => !unwanted.has(flowKey(entry)))
    return Promise.resolve(0)
  }
}

function flowKey({ protocol, destination, replySource }: FlowEntry): string {
  const end = ({ address, port }: FlowEnd): string => `${address} ${port}`
  return `${protocol} ${end(destination)} ${end(replySource)}`
}
