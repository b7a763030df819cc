import { modeByName } from '../../../lib/modes/registry.js'
import { PROXY_MODE } from './proxy-mode.js'

/** The log lines of a proxy in a mode, at level 3, after a change has reached clients. */
export interface ChangeLines {
  /** A Service is new or different. */
  readonly services: RegExp
  /** Only endpoints are different. */
  readonly endpoints: RegExp
}

/** What a proxy logs when a change has reached clients: in userspace mode, endpoints change without a write of rules. */
export function changeLines(mode: string = PROXY_MODE): ChangeLines {
  const { endpointsAreLogged, kernelWritten } = modeByName(mode).walkthrough.syncSigns
  return { services: kernelWritten, endpoints: endpointsAreLogged ? /"Listener updated"/ : kernelWritten }
}
