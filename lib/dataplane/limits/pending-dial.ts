/** A dial as its limits see it. First it waits for its turn (DialBudget), then for others to start with (DialBurst). */
export interface PendingDial {
  /** The client's address. */
  readonly client: string
  /** Its turn has come: it counts as in progress, has a descriptor for its socket, and has left the queue. */
  onTurn(): void
  /** Starts the dial now. */
  start(): void
}
