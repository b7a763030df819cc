/** A socket that another process has bound: what `net.Server` takes to listen on, a handle of Node's or a descriptor. */
export type BoundSocket = { readonly _handle: object } | { readonly fd: number }
