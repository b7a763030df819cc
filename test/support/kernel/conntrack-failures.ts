import { type MemoryConntrack } from './memory-conntrack.js'

/** The ways in which a deletion of flows fails. Each makes a table fail, and returns what makes it work again. */
export const CONNTRACK_FAILURES: readonly (readonly [name: string, fail: (table: MemoryConntrack) => () => void])[] = [
  ['the list fails', table => replace(table, 'list', () => Promise.reject(new Error('busy')))],
  ['the deletion fails', table => replace(table, 'delete', () => Promise.reject(new Error('busy')))],
  ['the deletion leaves some', table => replace(table, 'delete', entries => Promise.resolve(entries.length))],
]

/** Replaces a method of this table. @returns what takes the replacement away */
function replace<Name extends 'list' | 'delete'>(
  table: MemoryConntrack,
  name: Name,
  method: MemoryConntrack[Name],
): () => void {
  Object.assign(table, { [name]: method })
  return () => Reflect.deleteProperty(table, name)
}
