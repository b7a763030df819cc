import { isFlag } from './option.js'
import { findOption } from './options.js'

/** The value of an option: a text, a switch that is on or off, or several texts. */
export type SettingValue = string | boolean | readonly string[]

/** A value that the operator gave, and where. */
export interface Setting {
  readonly value: SettingValue
  /** The place in words that a message begins with: `--udp-timeout`, or `config.conf:12: udpIdleTimeout`. */
  readonly place: string
  readonly source: 'flag' | 'file'
}

/** What the operator gave, by name of the option. An absent option has its default. */
export type Settings = ReadonlyMap<string, Setting>

/** Something that the operator should know about the configuration and that is no mistake. */
export interface ConfigNote {
  readonly isWarning: boolean
  readonly message: string
  readonly fields: Readonly<Record<string, string>>
}

/** The settings that count, and a note about flags that do not. */
export interface MergedSettings {
  readonly settings: Settings
  readonly notes: readonly ConfigNote[]
}

/**
 * The settings of a proxy that has a configuration file. As in kube-proxy, the file replaces all flags except for a few. Flags that
 * only this program has override the file, and so does a list of modes, which only this program reads.
 */
export function mergeSettings(flags: Settings, file: Settings): MergedSettings {
  const ignored: string[] = []
  const settings = new Map<string, Setting>(file)
  for (const [name, setting] of flags) {
    if (overridesFile(name, setting)) settings.set(name, setting)
    else ignored.push(`--${name}`)
  }
  if (ignored.length === 0) return { settings, notes: [] }
  const message = 'Flags without effect beside --config; use fields of the configuration file'
  return { settings, notes: [{ isWarning: true, message, fields: { flags: ignored.sort().join(' ') } }] }
}

function overridesFile(name: string, { value }: Setting): boolean {
  const option = findOption(name)
  if (option === undefined || !isFlag(option)) return false
  if (option.overridesFile === true || option.extension === true) return true
  return name === 'proxy-mode' && typeof value === 'string' && value.includes(',')
}
