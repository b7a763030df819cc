import { parseInteger } from '../primitives/parse-integer.js'
import { quoteValue } from '../primitives/quote-value.js'
import { parseDuration } from './duration.js'
import { isFlag } from './option.js'
import { findOption } from './options.js'
import { parseBool } from './parse-bool.js'
import { type SettingValue, type Settings } from './settings.js'

/** The longest time of a timer in Node, in milliseconds: 24.8 days. */
const MAX_TIMER_MS = 2 ** 31 - 1
/** The largest number that the kernel accepts for a setting; kube-proxy's own integers have the same limit. */
const MAX_INT32 = 2 ** 31 - 1

/** Reads single settings, and collects a sentence for each invalid value. The result for an invalid value has no meaning. */
export class SettingReader {
  /** A sentence for each invalid value. */
  readonly problems: string[] = []
  readonly #settings: Settings
  readonly #invalid = new Set<string>()
  /** Whether the settings come from a configuration file. */
  readonly isFile: boolean

  constructor(settings: Settings, isFile: boolean) {
    this.#settings = settings
    this.isFile = isFile
  }

  /** Adds a sentence about the value of an option: what was expected, and what to do. */
  addProblem(name: string, text: string): void {
    const place = this.#settings.get(name)?.place ?? this.nameOf(name)
    this.#invalid.add(name)
    this.problems.push(`${place} ${quoteValue(this.readValue(name) ?? '')}: ${text}`)
  }

  /** Whether the value of an option is invalid. */
  hasProblem(name: string): boolean {
    return this.#invalid.has(name)
  }

  /** The name of an option in the words of the operator: a flag, or a field of the configuration file. */
  nameOf(name: string): string {
    const option = findOption(name)
    return option?.field !== undefined && (this.isFile || !isFlag(option)) ? option.field : `--${name}`
  }

  /** Whether the operator gave a value. */
  has(name: string): boolean {
    return this.#settings.has(name)
  }

  /** Where the value of an option comes from; undefined if it is the default. */
  sourceOf(name: string): 'flag' | 'file' | undefined {
    return this.#settings.get(name)?.source
  }

  /** The value of an option, or its default. */
  readValue(name: string): SettingValue | undefined {
    return this.#settings.get(name)?.value ?? findOption(name)?.default
  }

  /** The text of an option, or its default when absent, without spaces around it. */
  readText(name: string): string {
    const value = this.readValue(name)
    return typeof value === 'string' ? value.trim() : ''
  }

  /** The same for an option whose empty text means the default too. */
  readTextOrDefault(name: string): string {
    return this.readText(name) || (findOption(name)?.default ?? '')
  }

  /** One of `choices`; a problem for any other text. */
  readChoice<Choice extends string>(
    name: string,
    choices: readonly Choice[],
    text: string = this.readText(name),
  ): Choice {
    const choice = choices.find(known => known === text)
    if (choice === undefined)
      this.addProblem(name, `expected ${choices.slice(0, -1).join(', ')} or ${choices[choices.length - 1]}`)
    return choice ?? choices[0]!
  }

  /** The values of an option that may be repeated. */
  readList(name: string): readonly string[] {
    const list = this.#readEntries(name)
    if (list.some(entry => entry.trim() === '')) this.addProblem(name, 'one value is empty; complete or remove it')
    return list
  }

  /** The entries of an option that may be repeated, and whose values may be lists too. As in kube-proxy, an empty value has none. */
  readCommaList(name: string): readonly string[] {
    return this.#readEntries(name)
      .filter(text => text !== '')
      .flatMap(text => text.split(','))
      .map(text => text.trim())
  }

  /** A duration in milliseconds, for a timer of this process. */
  readDuration(name: string, allowed: 'positive' | 'non-negative'): number {
    const ms = parseDuration(this.readText(name))
    if (ms === undefined) this.addProblem(name, 'expected a duration such as 250ms or 1m30s')
    else if (allowed === 'positive' && ms <= 0) this.addProblem(name, 'must be longer than 0')
    else if (ms < 0) this.addProblem(name, 'must be at least 0')
    else if (ms > MAX_TIMER_MS) this.addProblem(name, 'must be at most 24 days')
    return ms ?? 0
  }

  /** A duration in milliseconds for a setting of the kernel, which may be much longer than a timer of Node. */
  readKernelTimeout(name: string): number {
    const ms = parseDuration(this.readText(name))
    if (ms === undefined) this.addProblem(name, 'expected a duration such as 250ms or 1m30s')
    else if (ms < 0) this.addProblem(name, 'must be at least 0')
    else if (ms > MAX_INT32 * 1000) this.addProblem(name, `must be at most ${MAX_INT32}s`)
    return ms ?? 0
  }

  /** A whole number of at least 0, in the notations that kube-proxy accepts: 0x10 and 020 are 16. */
  readCount(name: string): number {
    const count = parseInteger(this.readText(name))
    if (count === undefined) this.addProblem(name, 'expected a whole number of at least 0')
    else if (count < 0) this.addProblem(name, 'must be at least 0')
    else if (count > MAX_INT32) this.addProblem(name, `must be at most ${MAX_INT32}`)
    return count ?? 0
  }

  /** Whether a switch is on. */
  readSwitch(name: string): boolean {
    const value = this.readValue(name) ?? false
    if (typeof value === 'boolean') return value
    const parsed = typeof value === 'string' ? parseBool(value) : undefined
    if (parsed === undefined) this.addProblem(name, 'expected true or false')
    return parsed ?? false
  }

  #readEntries(name: string): readonly string[] {
    const value = this.#settings.get(name)?.value
    return typeof value === 'string' ? [value] : Array.isArray(value) ? (value as readonly string[]) : []
  }
}
