/** Why a node does not have something. */
export interface Lack {
  readonly reason: string
  /** What the operator can do. */
  readonly hint?: string | undefined
}

/** One thing that a mode needs of the node besides rules. */
export interface Requirement {
  /** What it is, as text for people. */
  readonly name: string
  /** The kernel options that provide it, such as `CONFIG_IP_VS`. */
  readonly kernelOptions: readonly string[]
  /** The module that has it, unless it is built into the kernel. */
  readonly module?: string
  /**
   * Tries it, and removes what it created.
   * @returns why the node does not have it; undefined if it has
   */
  probe(): Promise<Lack | undefined>
}
