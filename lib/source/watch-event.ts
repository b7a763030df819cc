/** One line of a watch, understood. `version` is the resourceVersion to go on from once the event has been taken in. */
export type WatchEvent =
  | { readonly type: 'put' | 'remove'; readonly object: unknown; readonly version: string }
  | { readonly type: 'bookmark'; readonly version: string }
  /** The version we watch from is too old (410): only a new list helps. */
  | { readonly type: 'expired'; readonly message: string }
  /** The server ends the watch with another error. */
  | { readonly type: 'error'; readonly message: string }
  /** A kind of event that newer servers may send; it carries nothing for us. */
  | { readonly type: 'unknown'; readonly name: string }
  /** The line cannot be read: an event may be lost, so only a new list helps. */
  | { readonly type: 'unreadable'; readonly problem: string }

/** A list, understood: the objects, and the resourceVersion to watch from. */
export interface ObjectList {
  readonly items: readonly unknown[]
  readonly version: string
}

/** Reads one line of a watch response. Never throws. */
export function readWatchLine(line: string): WatchEvent {
  let event: unknown
  try {
    event = JSON.parse(line)
  } catch (error) {
    return { type: 'unreadable', problem: `${(error as Error).message} in ${JSON.stringify(shorten(line))}` }
  }
  const type = field(event, 'type')
  const object = field(event, 'object')
  const metadata = field(object, 'metadata')
  const version = field(metadata, 'resourceVersion')
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      if (typeof version !== 'string' || version === '' || typeof field(metadata, 'name') !== 'string') {
        return { type: 'unreadable', problem: `${type} without name or resourceVersion: ${shorten(line)}` }
      }
      return { type: type === 'DELETED' ? 'remove' : 'put', object, version }
    case 'BOOKMARK':
      if (typeof version !== 'string' || version === '') {
        return { type: 'unreadable', problem: `BOOKMARK without resourceVersion: ${shorten(line)}` }
      }
      return { type: 'bookmark', version }
    case 'ERROR': {
      const expired = field(object, 'code') === 410 || ['Gone', 'Expired'].includes(String(field(object, 'reason')))
      const message = String(field(object, 'message') ?? shorten(line))
      return { type: expired ? 'expired' : 'error', message }
    }
    default:
      if (typeof type === 'string') return { type: 'unknown', name: type }
      return { type: 'unreadable', problem: `not a watch event: ${shorten(line)}` }
  }
}

/** Reads the answer to a list request; undefined when it is not a list. Never throws. */
export function readObjectList(body: unknown): ObjectList | undefined {
  const version = field(field(body, 'metadata'), 'resourceVersion')
  // Go prints an empty list that was never made as null.
  const items = field(body, 'items') ?? []
  if (typeof version !== 'string' || version === '' || !Array.isArray(items)) return undefined
  return { items, version }
}

/** The member of a JSON object, or undefined when there is none or it is no object. */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

function shorten(text: string): string {
  return text.length <= 120 ? text : `${text.slice(0, 120)}…`
}
