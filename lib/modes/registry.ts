import { type ChainOwners, HAND_OVER_CHAINS } from '../netfilter/stale-chains.js'
import { iptablesMode } from './iptables/mode.js'
import { ipvsMode } from './ipvs/mode.js'
import { type Mode } from './mode.js'
import { userspaceMode } from './userspace/mode.js'

/** All modes. The first one is the default of `--proxy-mode`. */
export const MODES: readonly Mode[] = [userspaceMode, iptablesMode, ipvsMode]

/** The mode with that name. The configuration has only valid names. @throws Error if there is none */
export function modeByName(name: string, modes: readonly Mode[] = MODES): Mode {
  const mode = modes.find(candidate => candidate.name === name)
  if (mode === undefined) throw new Error(`There is no mode "${name}"`)
  return mode
}

/** Divides the chains of all modes into those that stay and those to remove. @param own the mode whose chains stay; undefined: none */
export function chainOwners(own: string | undefined, modes: readonly Mode[] = MODES): ChainOwners {
  return {
    own: own === undefined ? undefined : modeByName(own, modes).chains,
    others: [...modes.filter(({ name }) => name !== own).map(({ chains }) => chains), HAND_OVER_CHAINS],
  }
}
