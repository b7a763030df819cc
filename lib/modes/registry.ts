import { type ChainOwners } from '../netfilter/stale-chains.js'
import { iptablesMode } from './iptables/mode.js'
import { ipvsMode } from './ipvs/mode.js'
import { type Mode } from './mode.js'
import { userspaceMode } from './userspace/mode.js'

/** Every mode there is. The first one is the default of `--proxy-mode`. */
export const MODES: readonly Mode[] = [userspaceMode, iptablesMode, ipvsMode]

/** The mode of that name. @throws Error when there is none: names are checked where they are read */
export function modeByName(name: string, modes: readonly Mode[] = MODES): Mode {
  const mode = modes.find(candidate => candidate.name === name)
  if (mode === undefined) throw new Error(`There is no mode "${name}"`)
  return mode
}

/** Whose chains stay and whose go: those of one mode stay, or of none. */
export function chainOwners(own: string | undefined, modes: readonly Mode[] = MODES): ChainOwners {
  return {
    own: own === undefined ? undefined : modeByName(own, modes).chains,
    others: modes.filter(({ name }) => name !== own).map(({ chains }) => chains),
  }
}
