import { type IpFamily } from '../../../lib/model/address.js'
import {
  type Conntrack,
  type FlowEnd,
  type FlowEntry,
  type FlowProtocol,
  type FlowRemoval,
} from '../../../lib/system/conntrack.js'

/** The kernel's flow table in memory. */
export class MemoryConntrack implements Conntrack {
  entries: readonly FlowEntry[] = []

  list(family: IpFamily, protocol: FlowProtocol): Promise<FlowEntry[]> {
    return Promise.resolve(this.entries.filter(entry => entry.family === family && entry.protocol === protocol))
  }

  delete(entries: readonly FlowRemoval[]): Promise<number> {
    const isUnwanted = (entry: FlowEntry): boolean =>
      entries.some(
        each =>
          flowKey(each) === flowKey(entry) && (each.isAlone !== true || endText(each.source) === endText(entry.source)),
      )
    this.entries = this.entries.filter(entry => !isUnwanted(entry))
    return Promise.resolve(0)
  }
}

function flowKey({ protocol, destination, replySource }: FlowEntry): string {
  return `${protocol} ${endText(destination)} ${endText(replySource)}`
}

function endText({ address, port }: FlowEnd): string {
  return `${address} ${port}`
}
