import { type Hook } from './packet-view.js'

/** One step of a packet's way through the kernel. */
export type Stage =
  | { readonly kind: 'table'; readonly hook: Hook; readonly table: string }
  /** IPVS looks for a virtual server with the destination. */
  | { readonly kind: 'virtual servers'; readonly hook: Hook }
  /** The kernel decides whether the packet is for the node itself. */
  | { readonly kind: 'route in' }
  /** The kernel finds the interface by which the packet leaves. */
  | { readonly kind: 'route out' }
  /** The packet leaves by an interface; by loopback, it comes in again. */
  | { readonly kind: 'leave' }
  /** A socket of the node gets the packet. */
  | { readonly kind: 'deliver' }

function tablesAt(hook: Hook, ...tables: readonly string[]): Stage[] {
  return tables.map(table => ({ kind: 'table', hook, table }))
}

const ROUTE_OUT: Stage = { kind: 'route out' }
const LEAVE: Stage = { kind: 'leave' }

// The order of tables at a hook is that of the priorities in linux/netfilter_ipv4.h. IPVS looks (net/netfilter/ipvs/ip_vs_core.c) behind the
// filter for packets to the node, before it for packets of the node.

/** What comes in by an interface, until the kernel knows whether it is for the node. */
export const ARRIVING: readonly Stage[] = [...tablesAt('PREROUTING', 'raw', 'mangle', 'nat'), { kind: 'route in' }]

/** What is for the node. */
export const DELIVERED: readonly Stage[] = [
  ...tablesAt('INPUT', 'mangle', 'filter', 'security'),
  { kind: 'virtual servers', hook: 'INPUT' },
  ...tablesAt('INPUT', 'nat'),
  { kind: 'deliver' },
]

/** What the node sends on. */
export const FORWARDED: readonly Stage[] = [
  ...tablesAt('FORWARD', 'mangle', 'filter', 'security'),
  ...tablesAt('POSTROUTING', 'mangle', 'nat'),
  LEAVE,
]

/** What a process of the node sends. */
export const SENT: readonly Stage[] = [
  ROUTE_OUT,
  ...tablesAt('OUTPUT', 'raw', 'mangle', 'nat'),
  { kind: 'virtual servers', hook: 'OUTPUT' },
  ...tablesAt('OUTPUT', 'filter', 'security'),
  ROUTE_OUT,
  ...tablesAt('POSTROUTING', 'mangle', 'nat'),
  LEAVE,
]

/** What IPVS sends to a real server: its packets leave as those of the node do, and are already translated. */
export const BALANCED: readonly Stage[] = [
  ROUTE_OUT,
  ...tablesAt('OUTPUT', 'raw', 'mangle', 'filter', 'security'),
  ...tablesAt('POSTROUTING', 'mangle', 'nat'),
  LEAVE,
]

/** What the node has sent to itself: nat has seen it. */
export const LOOPED_BACK: readonly Stage[] = [
  ...tablesAt('PREROUTING', 'raw', 'mangle'),
  ...tablesAt('INPUT', 'mangle', 'filter', 'security'),
  { kind: 'deliver' },
]
