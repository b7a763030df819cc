import { isInVm } from '../../../../test/support/nodes/virtual-machine.js'

/** What the clients do. */
export interface LoadSize {
  /** New connections with one request each, per second. */
  readonly requestsPerSecond: number
  /** Connections that stay open and exchange a byte each second. */
  readonly openConnections: number
}

/** On a node, and in a virtual machine: a tenth of it, which its emulated processors carry without a loss while nothing happens. */
export const LOAD_OF_NODE: LoadSize = { requestsPerSecond: 200, openConnections: 500 }
export const LOAD_OF_VM: LoadSize = { requestsPerSecond: 20, openConnections: 50 }
/** That of this machine. */
export const LOAD = isInVm ? LOAD_OF_VM : LOAD_OF_NODE
