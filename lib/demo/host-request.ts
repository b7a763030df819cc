/** What a demo in a user namespace asks of the process that has started it, which is in the network of the machine. */
export type HostRequest = { readonly listenOn: number } | { readonly open: string }

/** The answer to `listenOn`. The socket comes with it, unless there is a failure. */
export interface HostReply {
  readonly failure?: { readonly message: string; readonly hint: string | undefined }
}
