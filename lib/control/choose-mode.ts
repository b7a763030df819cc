import { ProxyFailure } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type ProxyMode } from '../model/proxy-mode.js'

/** A mode that was asked for and cannot be had here. */
export interface UnusableMode {
  readonly mode: ProxyMode
  readonly reason: string
}

export interface ChosenMode {
  readonly mode: ProxyMode
  /** Those that were preferred to it. */
  readonly rejected: readonly UnusableMode[]
}

/**
 * The first of the modes that this node can do. Which one it is, and why not another, is one line of the log: a node must not
 * end up in another mode than its neighbours unnoticed.
 *
 * @param probe why a mode cannot be had on this node; undefined: it can
 * @throws ProxyFailure MODE_IMPOSSIBLE when none of them can be had
 */
export async function chooseMode(
  modes: readonly ProxyMode[],
  probe: (mode: ProxyMode) => Promise<string | undefined>,
  log: Log,
): Promise<ChosenMode> {
  const rejected: UnusableMode[] = []
  for (const mode of modes) {
    const reason = await probe(mode)
    if (reason === undefined) {
      const reasons = Object.fromEntries(rejected.map(other => [`not_${other.mode}`, other.reason]))
      log.info(0, 'Serving Services', { mode, ...reasons })
      return { mode, rejected }
    }
    rejected.push({ mode, reason })
  }
  const reasons = rejected.map(({ mode, reason }) => `${mode}: ${reason}`).join('; ')
  throw new ProxyFailure('MODE_IMPOSSIBLE', `Cannot serve in mode "${modes.join(',')}" on this node: ${reasons}`, {
    hint: 'Add what is missing, or give --proxy-mode a list with a mode that this node can do, such as "ipvs,iptables,userspace"',
  })
}
