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
