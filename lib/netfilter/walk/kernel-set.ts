/** A set in the kernel, with its entries as `ipset save` prints them. */
export interface KernelSet {
  /** Such as `hash:ip,port`. */
  readonly type: string
  /** Undefined: a set of ports, for both families. */
  readonly family?: string | undefined
  readonly entries: ReadonlySet<string>
}
