import { type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** The client addresses of the connections to TCP port 8080 in the namespace of a process. */
export function connectedClients({ pid }: ChildProcess): string[] {
  const table = readFileSync(`/proc/${pid}/net/tcp6`, 'utf8').split('\n').slice(1)
  return table.flatMap(row => {
    const [, local, remote, state] = row.trim().split(/\s+/)
    if (state !== '01' || !local!.endsWith(':1F90')) return []
    // An IPv4 address is the last of four groups, with its bytes in the order of the machine.
    const bytes = remote!.slice(24, 32).match(/../g)!.reverse()
    return [bytes.map(byte => Number.parseInt(byte, 16)).join('.')]
  })
}
