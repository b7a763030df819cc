import { type ConfigNote } from './settings.js'
import { type SettingReader } from './setting-reader.js'

/** Modes of kube-proxy that this program may not have: a list may contain them, as a wish for the time when it has. */
const MODES_OF_KUBE_PROXY = ['iptables', 'ipvs', 'nftables']

/** The modes in order of preference, and notes about them. */
export interface ReadModes {
  readonly modes: readonly string[]
  readonly notes: readonly ConfigNote[]
}

/**
 * Reads the mode, or the list of modes.
 * @param known the names of all modes
 */
export function readModes(reader: SettingReader, known: readonly string[]): ReadModes {
  const text = reader.readText('proxy-mode')
  const names = reader
    .readTextOrDefault('proxy-mode')
    .split(',')
    .map(name => name.trim())
  const absent = names.filter(name => !known.includes(name) && MODES_OF_KUBE_PROXY.includes(name))
  const modes = names.filter(name => known.includes(name))
  const problem = problemOf(names, modes, absent, known)
  if (problem !== undefined) reader.addProblem('proxy-mode', problem)
  return { modes, notes: notesOf(modes, absent, !reader.has('proxy-mode') || text === '') }
}

function problemOf(
  names: readonly string[],
  modes: readonly string[],
  absent: readonly string[],
  known: readonly string[],
): string | undefined {
  const expected = `expected ${known.join(', ')}, or a list of them`
  if (modes.length + absent.length < names.length) return expected
  if (new Set(names).size < names.length) return `${expected}, each once`
  if (modes.length > 0) return undefined
  const name = absent.join(',')
  return `this version has no ${name} mode; ${expected}. A list as flag, such as --proxy-mode=${name},iptables, overrides the mode in a configuration file`
}

function notesOf(modes: readonly string[], absent: readonly string[], isDefault: boolean): ConfigNote[] {
  if (isDefault) {
    const [mode] = modes as readonly [string]
    const message = 'No proxy mode is configured; using the default of this program'
    return [{ isWarning: false, message, fields: { mode } }]
  }
  if (absent.length === 0 || modes.length === 0) return []
  const message = 'This version does not have a mode of the list; using the others'
  return [{ isWarning: true, message, fields: { absent: absent.join(','), modes: modes.join(',') } }]
}
