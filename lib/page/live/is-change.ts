import { type SyncView } from '../../status/sync-history.js'

/** Whether a sync changed something, or failed to. Most only look whether the rules are still as they should be. */
export function isChange({ outcome, changedCount, rules }: SyncView): boolean {
  return outcome === 'failed' || changedCount > 0 || rules.some(({ written }) => written > 0)
}
