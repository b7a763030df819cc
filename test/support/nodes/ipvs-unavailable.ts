import { ipvsProgram } from '../../../lib/system/ipvs.js'
import { messageOf } from '../../../lib/model/failure.js'
import { namespacesUnavailable } from './node-network.js'

/** The reason why tests of ipvs mode cannot run here, or false. */
export const ipvsUnavailable =
  namespacesUnavailable ||
  (await ipvsProgram.list().then(
    () => false as const,
    (error: unknown) => `needs IPVS, see the tests …-in-vm.test.ts: ${messageOf(error)}`,
  ))
