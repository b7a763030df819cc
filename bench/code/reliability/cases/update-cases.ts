import { type CaseFigures } from '../case-figures.js'
import { DRAIN_SECONDS } from '../setups.js'
import { type ReliabilityCase } from './reliability-case.js'

/** How long the case without an event runs, in milliseconds. */
const QUIET_MS = 5000

const nothingLost = ({ sent, refused, failed, cutEarly }: CaseFigures): boolean =>
  sent > 0 && refused === 0 && Object.keys(failed).length === 0 && cutEarly === 0

/** What an operator does: nothing, an update, a restart. */
export const UPDATE_CASES: readonly ReliabilityCase[] = [
  {
    name: 'nothing',
    title: 'Nothing happens',
    description: 'For comparison: the same load, and no event.',
    promise: 'Nothing is lost.',
    appliesTo: ({ isForKills }) => !isForKills,
    async run(site) {
      await site.launch().ready
      await site.startLoad()
      site.markEvent()
      return site.finish(QUIET_MS)
    },
    isKept: nothingLost,
  },
  {
    name: 'surge-update',
    title: 'Surge update',
    description:
      'A new proxy starts beside the old one, as with `maxSurge` of a DaemonSet. When it is ready, the old one gets SIGTERM.',
    promise: 'No new connection is lost, and no open one is cut before the drain timeout.',
    appliesTo: ({ isForKills }) => !isForKills,
    async run(site) {
      const old = site.launch()
      await old.ready
      await site.startLoad()
      site.markEvent()
      await site.launch().ready
      site.markDrain()
      await old.terminate()
      return site.finish()
    },
    isKept: nothingLost,
  },
  {
    name: 'restart',
    title: 'Plain restart',
    description: 'The proxy gets SIGTERM. A second after it has ended, a new one starts.',
    promise:
      'No new connection is lost: the kernel serves while no proxy runs. Only connections that are still open at the drain timeout are cut.',
    appliesTo: ({ isForKills }) => !isForKills,
    async run(site) {
      const old = site.launch()
      await old.ready
      await site.startLoad()
      site.markEvent()
      site.markDrain()
      await old.terminate()
      await site.restart()
      return site.finish()
    },
    isKept: nothingLost,
  },
]

/** How long a case runs on so that the drain timeout of what was left is over, in milliseconds. */
export const AFTER_DRAIN_MS = DRAIN_SECONDS * 1000
