import { type Change, changePlace } from './change-place.js'
import { type Lab, type Place } from './lab.js'

/** Adds a rule of iptables, until it is undone. @param rule its chain, then what it matches and does */
export function addRule(lab: Lab, where: Place, table: string, rule: readonly string[]): Promise<Change> {
  return changePlace(lab, where, ['iptables', '-t', table, '-A', ...rule], ['iptables', '-t', table, '-D', ...rule])
}
