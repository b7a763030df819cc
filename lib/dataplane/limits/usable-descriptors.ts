/** Descriptors for everything but Services: API watches, files, pipes to iptables, libuv itself. */
const RESERVE = 96
/** Even with a very low limit some clients are served. */
const MIN_USABLE = 8
/** Part of the usable descriptors that listeners may have. The rest is for their clients. */
const LISTENER_PART = 0.75

/**
 * How many descriptors of a process Services may use.
 * @param limit the process's limit of open files (RLIMIT_NOFILE)
 * @param reserved more descriptors that other parts of the process need
 */
export function usableDescriptors(limit: number, reserved: number): number {
  return Math.max(MIN_USABLE, limit - RESERVE - reserved)
}

/** How many listeners a process may have. */
export function mostListeners(usable: number): number {
  return Math.floor(usable * LISTENER_PART)
}

/** The error of a listener for which there is no descriptor: the code is that of the system. */
export function noDescriptorForListener(most: number): Error {
  return Object.assign(new Error(`EMFILE: this process may have ${most} listeners, and has as many`), {
    code: 'EMFILE',
  })
}
