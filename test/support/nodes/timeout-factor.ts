import { isInVm } from './virtual-machine.js'

/** Everything takes longer in an emulated virtual machine. */
export const TIMEOUT_FACTOR_OF_VM = 10
/** Factor for time limits. */
export const TIMEOUT_FACTOR = isInVm ? TIMEOUT_FACTOR_OF_VM : 1
