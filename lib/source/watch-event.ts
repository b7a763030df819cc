import { escapeControls, shorten } from '../primitives/quote-value.js'

/** Characters of a line that a message quotes. */
const MAX_LINE_LENGTH = 120

/** One parsed line of a watch. `version` is the resourceVersion to continue from after this event. */
export type WatchEvent =
  | { readonly type: 'put' | 'remove'; readonly object: unknown; readonly version: string }
  | { readonly type: 'bookmark'; readonly version: string }
  /** The version of the watch is too old (410), so a new list is needed. */
  | { readonly type: 'expired'; readonly message: string }
  /** The server ends the watch with another error. */
  | { readonly type: 'error'; readonly message: string }
  /** A type of event that only newer servers send, without effect here. */
  | { readonly type: 'unknown'; readonly name: string }
  /** The line cannot be parsed. An event may be missing, so a new list is needed. */
  | { readonly type: 'unreadable'; readonly problem: string }

/** A parsed list: the objects, and the resourceVersion to watch from. */
export interface ObjectList {
  readonly items: readonly unknown[]
  readonly version: string
}

/** Parses one line of a watch response. Never throws. */
export function readWatchLine(line: string): WatchEvent {
  let event: unknown
  try {
    event = JSON.parse(line)
  } catch (error) {
    return {
      type: 'unreadable',
      problem: `${escapeControls((error as Error).message)} in ${escapeControls(JSON.stringify(shorten(line, MAX_LINE_LENGTH)))}`,
    }
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
        return {
          type: 'unreadable',
          problem: `${type} without name or resourceVersion: ${shorten(line, MAX_LINE_LENGTH)}`,
        }
      }
      return { type: type === 'DELETED' ? 'remove' : 'put', object, version }
    case 'BOOKMARK':
      if (typeof version !== 'string' || version === '') {
        return { type: 'unreadable', problem: `BOOKMARK without resourceVersion: ${shorten(line, MAX_LINE_LENGTH)}` }
      }
      return { type: 'bookmark', version }
    case 'ERROR': {
      const expired = field(object, 'code') === 410 || ['Gone', 'Expired'].includes(String(field(object, 'reason')))
      const message = shorten(String(field(object, 'message') ?? line))
      return { type: expired ? 'expired' : 'error', message }
    }
    default:
      if (typeof type === 'string') return { type: 'unknown', name: type }
      return { type: 'unreadable', problem: `not a watch event: ${shorten(line, MAX_LINE_LENGTH)}` }
  }
}

/** Parses the response to a list request; undefined if it is not a list. Never throws. */
export function readObjectList(body: unknown): ObjectList | undefined {
  const version = field(field(body, 'metadata'), 'resourceVersion')
  // Go prints a nil list as null.
  const items = field(body, 'items') ?? []
  if (typeof version !== 'string' || version === '' || !Array.isArray(items)) return undefined
  return { items, version }
}

/** The field of a JSON object; undefined if it is absent or the value is not an object. */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}
