import { isInVm } from './virtual-machine.js'

/** How many times longer things may take than on a machine of its own: in a virtual machine that is emulated, all does. */
export const TIMEOUT_FACTOR = isInVm ? 10 : 1
