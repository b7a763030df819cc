/**
 * How the Services of a node share what is scarce: descriptors, UDP flows, source ports.
 *
 * A Service may add one while it has fewer than eight times what is free. So a Service that is alone gets eight ninths, two get
 * eight seventeenths each, and there is always something free for a Service that comes now, without a reserve for each one.
 * (Switches share packet memory between queues by this rule: Choudhury and Hahne, Dynamic Queue Length Thresholds for
 * Shared-Memory Packet Switches, 1998. DialBudget uses it with a factor of one, because a dial is over within seconds.)
 */
const SHARE_FACTOR = 8
/** One gives way to another that has less than a quarter. With less distance, the two would take from each other in turn. */
const TAKE_FACTOR = 4

/** Whether one that has `held` may have one more while `free` are left. */
export function fairShareAllows(held: number, free: number): boolean {
  return held < SHARE_FACTOR * free
}

/** Whether one that has `taker` may have one more at the cost of one that has `giver`. */
export function mayTake(taker: number, giver: number): boolean {
  return TAKE_FACTOR * (taker + 1) <= giver
}
