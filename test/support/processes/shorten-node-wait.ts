/**
 * Loaded into the program under test with `--import`: its kernel modes wait for the Node a hundredth of the time. Nothing else changes,
 * also not what follows the wait.
 */
import { MODES } from '../../../lib/modes/registry.js'

for (const mode of MODES.filter(({ carriedBy }) => carriedBy === 'kernel'))
  Object.assign(mode, { nodeWait: { ...mode.nodeWait, timeoutMs: mode.nodeWait.timeoutMs / 100 } })
