/** A set in the kernel, with its entries as `ipset save` prints them. */
export interface KernelSet {
  /** Such as `hash:ip,port`. */
  readonly type: string
  readonly entries: ReadonlySet<string>
}
