/** The version of the API: it changes when a reader of the answers has to change. It is the first part of every path. */
export const STATUS_API_VERSION = 'v1'

/** What every answer says of the proxy that gave it. */
export interface AnsweringProxy {
  /** Version of the program. */
  readonly proxyVersion: string
  /** Name of the mode that serves. */
  readonly mode: string
  /** Whether sockets of the proxy or the kernel carry connections. */
  readonly carriedBy: 'sockets' | 'kernel'
}

/** One answer of the status API: a list of one kind of things. A long list may make each item when it is read, once. */
export interface StatusDocument<Item, Items extends Iterable<Item> = readonly Item[]> extends AnsweringProxy {
  readonly apiVersion: typeof STATUS_API_VERSION
  /** Such as `ServiceList`. */
  readonly kind: string
  readonly items: Items
  /** What a reader should know about the items, such as why there are none. */
  readonly notes: readonly string[]
}

/** An answer that says why there is no other one. */
export interface StatusError {
  readonly apiVersion: typeof STATUS_API_VERSION
  readonly kind: 'Error'
  readonly proxyVersion: string
  /** One sentence: what was wrong, and what may have been meant. */
  readonly message: string
  /** What exists in the place of what was asked for: paths, parameters, or names. */
  readonly exists: readonly string[]
}

/** A list with what every answer says. */
export function statusDocument<Item, Items extends Iterable<Item> = readonly Item[]>(
  proxy: AnsweringProxy,
  kind: string,
  items: Items & Iterable<Item>,
  notes: readonly string[] = [],
): StatusDocument<Item, Items> {
  return { apiVersion: STATUS_API_VERSION, kind, ...proxy, items, notes }
}
