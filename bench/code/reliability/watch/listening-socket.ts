import { readFileSync } from 'node:fs'

/** The state of a listening socket in /proc/net/tcp. */
const LISTEN = '0A'

/** The inode of a socket that listens on a port in this network namespace; undefined if there is none. */
export function findListeningSocket(port: number): string | undefined {
  const ending = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  for (const file of ['/proc/self/net/tcp', '/proc/self/net/tcp6']) {
    const fields = readFileSync(file, 'utf8')
      .split('\n')
      .map(line => line.trim().split(/\s+/))
    const listener = fields.find(([, local, , state]) => state === LISTEN && local!.endsWith(ending))
    if (listener !== undefined) return listener[9]
  }
  return undefined
}
