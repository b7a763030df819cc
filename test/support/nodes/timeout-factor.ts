import { isInVm } from './virtual-machine.js'

/** Factor for time limits: everything takes longer in an emulated virtual machine. */
export const TIMEOUT_FACTOR = isInVm ? 10 : 1
