/** A socket that another process has bound: a handle of Node.js's own, or a file descriptor. */
export type BoundSocket = { readonly _handle: object } | { readonly fd: number }

/** Where a socket receives its clients. */
export interface BindOptions {
  /** A socket that is bound already. Its own address and port then apply, not those below. */
  readonly bound?: BoundSocket | undefined
  readonly address: string
  /** 0: any free port. */
  readonly port: number
}
