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
  readonly unusable: readonly UnusableMode[]
}

/**
 * The first of the modes that this node can do. Which one it is, and why not another, is one line of the log: a node must not
 * end up in another mode than its neighbours unnoticed.
 *
 * @param whyNot why a mode cannot be had on this node; undefined: it can
 * @throws ProxyFailure MODE_IMPOSSIBLE when none of them can be had
 */
export async function chooseMode(
  modes: readonly ProxyMode[],
  whyNot: (mode: ProxyMode) => Promise<string | undefined>,
  log: Log,
): Promise<ChosenMode> {
  const unusable: UnusableMode[] = []
  for (const mode of modes) {
    const reason = await whyNot(mode)
    if (reason === undefined) {
      const reasons = Object.fromEntries(unusable.map(other => [`not_${other.mode}`, other.reason]))
      log.info(0, 'Serving Services', { mode, ...reasons })
      return { mode, unusable }
    }
    unusable.push({ mode, reason })
  }
  const reasons = unusable.map(({ mode, reason }) => `${mode}: ${reason}`).join('; ')
  throw new ProxyFailure('MODE_IMPOSSIBLE', `Cannot serve in mode "${modes.join(',')}" on this node: ${reasons}`, {
    hint: 'Add what is missing, or give --proxy-mode a list with a mode that this node can do, such as "ipvs,iptables,userspace"',
  })
}
