import { PROXY_MODE } from './proxy-mode.js'

/** The log lines of a proxy in a mode, at level 3, after a change has reached clients. */
export interface ChangeLines {
  /** A Service is new or different. */
  readonly services: RegExp
  /** Only endpoints are different. */
  readonly endpoints: RegExp
}

/** A write to the kernel that has changed something. */
const WRITTEN = /"Synced rules" family="IPv4" changed=true/
const SERVERS_WRITTEN = /"Synced virtual servers" family="IPv4"/

/** What a proxy logs when a change has reached clients: in userspace mode, endpoints change without a write of rules. */
export function changeLines(mode: string = PROXY_MODE): ChangeLines {
  const services = mode === 'ipvs' ? SERVERS_WRITTEN : WRITTEN
  return { services, endpoints: mode === 'userspace' ? /"Listener updated"/ : services }
}
