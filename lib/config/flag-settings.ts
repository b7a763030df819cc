import { quoteValue } from '../primitives/quote-value.js'
import { type Option, isFlag } from './option.js'
import { findOption } from './options.js'
import { type Setting, type Settings } from './settings.js'

/** Flag values by flag name: texts, `true` and `false` for switches. An absent flag has its default. */
export type FlagValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

/** The settings that flags make, and a sentence for each flag that is unknown or of the wrong type. */
export interface FlagSettings {
  readonly settings: Settings
  readonly problems: readonly string[]
}

/** Reads the flags of the command line, without their meaning. */
export function flagSettings(values: FlagValues): FlagSettings {
  const settings = new Map<string, Setting>()
  const problems: string[] = []
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue
    const option = findOption(name)
    const place = `--${name}`
    if (option === undefined || !isFlag(option))
      problems.push(`${place} ${quoteValue(value)}: unknown flag; see kube-proxy --help`)
    else if (hasKindOf(option, value)) settings.set(name, { value, place, source: 'flag' })
    else problems.push(`${place} ${quoteValue(value)}: expected ${isList(option) ? 'a list of texts' : 'text'}`)
  }
  return { settings, problems }
}

/** Whether a flag may be repeated, and all its values count. */
export function isList({ kind }: Pick<Option, 'kind'>): boolean {
  return kind === 'list' || kind === 'map'
}

function hasKindOf(option: Option, value: unknown): boolean {
  if (option.kind === 'switch' || typeof value === 'string') return true
  return isList(option) && Array.isArray(value) && value.every(entry => typeof entry === 'string')
}
