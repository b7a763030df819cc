import { type AnsweringProxy } from './status-document.js'

/** Said where a kernel mode has nothing to show. */
export function kernelNote({ mode, carriedBy }: AnsweringProxy): string[] {
  if (carriedBy === 'sockets') return []
  return [
    `In ${mode} mode the kernel carries connections: the proxy has no sockets, no workers and no connections of its own`,
  ]
}
