import { ProxyFailure } from '../model/failure.js'
import { summarizeStderr } from './summarize-stderr.js'
import { withoutModuleLoader } from './without-module-loader.js'

/** Seconds to wait while another program holds the xtables lock. */
export const LOCK_WAIT_SECONDS = 5

/**
 * What programs of both back ends say if the kernel lacks a table, an IP family or the back end itself. The last one is that of a kernel
 * with nfnetlink and without nftables.
 */
const ABSENT =
  /do you need to insmod|(protocol|address family) not supported|protocol not available|fetch rule set generation id: invalid argument/i
/** What an iptables program says if it may not open the raw socket by which it asks the kernel about a set, in both back ends. */
const NO_SOCKET_FOR_SETS = /can't open socket to ipset/i
const OUT_OF_MEMORY = /message too long|no buffer space|cannot allocate memory|memory allocation/i

/** The failure for the error output of an iptables program; quotes the wrong line when the message names one. */
export function iptablesFailure(program: string, output: string, text: string): ProxyFailure {
  const stderr = withoutModuleLoader(output)
  const summary = summarizeStderr(stderr)
  if (/xtables lock/i.test(stderr)) {
    return new ProxyFailure(
      'IPTABLES_LOCKED',
      `"${program}" did not get the xtables lock within ${LOCK_WAIT_SECONDS} s: ${summary}`,
      {
        hint: 'Another program is changing rules; the proxy retries automatically',
      },
    )
  }
  if (isPermissionError(stderr)) return permissionFailure(summary)
  if (ABSENT.test(stderr) && !OUT_OF_MEMORY.test(stderr)) {
    return new ProxyFailure('IPTABLES_ABSENT', `"${program}" failed: the kernel does not have the table: ${summary}`, {
      hint: 'Load the kernel module that the message names, or use the other back end of iptables',
    })
  }
  if (OUT_OF_MEMORY.test(stderr)) {
    const lines = text.split('\n').length
    return new ProxyFailure(
      'RULES_TOO_LARGE',
      `"${program}" failed: ${lines} lines are too many for one message to the kernel: ${summary}`,
      {
        hint: 'Raise the kernel\'s limit (sysctl net.core.wmem_max), run in the first user namespace, or use the back end "legacy"',
      },
    )
  }
  const number = /line:? (\d+)/.exec(stderr)?.[1]
  const line = number === undefined ? undefined : text.split('\n')[Number(number) - 1]
  const where = line === undefined ? '' : `, at line ${number}: "${line}"`
  return new ProxyFailure('IPTABLES_RESTORE_FAILED', `"${program}" failed${where}: ${summary}`, {
    hint: 'No rule of this write took effect; the proxy retries automatically',
  })
}

/** The failure of an iptables program without permission; `stderr` has its message. */
function permissionFailure(stderr: string): ProxyFailure {
  const need = NO_SOCKET_FOR_SETS.test(stderr) ? ' (rules that match sets need the capability NET_RAW)' : ''
  return new ProxyFailure('IPTABLES_FORBIDDEN', `Cannot use iptables: ${stderr.trim()}${need}`, {
    hint: 'Run as root, or give the capability NET_ADMIN (legacy iptables and ipvs mode need NET_RAW too)',
  })
}

/** Whether an iptables program failed for lack of a permission; `stderr` has its message. */
function isPermissionError(stderr: string): boolean {
  return /permission denied|must be root|operation not permitted/i.test(stderr) || NO_SOCKET_FOR_SETS.test(stderr)
}

/** Whether a program found a rule that matches a set, and may not ask the kernel about the set. */
export function isDeniedSet({ message }: ProxyFailure): boolean {
  return NO_SOCKET_FOR_SETS.test(message)
}
