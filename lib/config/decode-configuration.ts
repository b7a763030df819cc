import { closestText } from '../primitives/closest-text.js'
import { quoteValue } from '../primitives/quote-value.js'
import { type IgnoredPart, decodeField } from './decode-field.js'
import { type Option } from './option.js'
import { OPTIONS } from './options.js'
import { type ConfigNote, type Setting, type Settings } from './settings.js'

const API_VERSION = 'kubeproxy.config.k8s.io/v1alpha1'
const KIND = 'KubeProxyConfiguration'
/** Fields that every object of Kubernetes may have. kind's configurations have a name. */
const OBJECT_FIELDS = ['apiVersion', 'kind', 'metadata']

/** A document of a configuration file. */
export interface ConfigurationDocument {
  /** The path of the file, for messages. */
  readonly path: string
  readonly value: unknown
  /** The line of a field, or of its nearest existing parent. */
  readonly lineOf: (path: readonly string[]) => number
}

/** The settings in a configuration file. */
export interface DecodedConfiguration {
  readonly settings: Settings
  /** A sentence for each mistake; do not use `settings` when there is any. */
  readonly problems: readonly string[]
  /** A note for each field that is unknown, or wrong and never fatal, and so has no effect. */
  readonly notes: readonly ConfigNote[]
}

const BY_FIELD: ReadonlyMap<string, Option> = new Map(
  OPTIONS.flatMap(option => (option.field === undefined ? [] : [[option.field, option]])),
)
/** `iptables`, `logging.options` and all other fields that contain fields. */
const SECTIONS: ReadonlySet<string> = new Set(
  [...BY_FIELD.keys()].flatMap(field => {
    const steps = field.split('.').slice(0, -1)
    return steps.map((_, index) => steps.slice(0, index + 1).join('.'))
  }),
)

/** Reads a KubeProxyConfiguration as kube-proxy does: an unknown field is a warning, and a wrong type a mistake. */
export function decodeConfiguration(document: ConfigurationDocument): DecodedConfiguration {
  const reading = new ConfigurationReading(document)
  reading.read()
  return reading
}

class ConfigurationReading implements DecodedConfiguration {
  readonly settings = new Map<string, Setting>()
  readonly problems: string[] = []
  readonly notes: ConfigNote[] = []
  readonly #document: ConfigurationDocument

  constructor(document: ConfigurationDocument) {
    this.#document = document
  }

  read(): void {
    const { value } = this.#document
    if (!isMap(value)) return this.#addProblem([], value, `expected a ${KIND}: a map of fields`)
    // What another object says in the same words may mean something else.
    if (this.#hasType(value, 'apiVersion', API_VERSION) && this.#hasType(value, 'kind', KIND))
      this.#readSection(value, [])
  }

  #hasType(value: Readonly<Record<string, unknown>>, field: string, expected: string): boolean {
    if (value[field] === expected) return true
    this.#addProblem([field], value[field], `expected ${expected}`)
    return false
  }

  #readSection(section: Readonly<Record<string, unknown>>, parent: readonly string[]): void {
    for (const [key, value] of Object.entries(section)) {
      const path = [...parent, key]
      const field = path.join('.')
      const option = BY_FIELD.get(field)
      if (option !== undefined) this.#readField(option, value, path)
      else if (!SECTIONS.has(field)) this.#warnUnknown(path)
      else if (isMap(value)) this.#readSection(value, path)
      else if (value !== null) this.#addProblem(path, value, 'expected a map of fields')
    }
  }

  #readField(option: Option, value: unknown, path: readonly string[]): void {
    const decoded = decodeField(option, value)
    if (decoded === undefined) return
    if ('expected' in decoded) return this.#addProblem(path, value, `expected ${decoded.expected}`)
    if (decoded.ignored !== undefined) this.#warnIgnored(decoded.ignored, path)
    this.settings.set(option.name, { value: decoded.value, place: this.#placeOf(path), source: 'file' })
  }

  #warnIgnored({ value, expected }: IgnoredPart, path: readonly string[]): void {
    this.notes.push({
      isWarning: true,
      message: 'Wrong value in the configuration file: it has no effect',
      fields: { field: path.join('.'), value: quoteValue(value), expected, ...this.#whereabouts(path) },
    })
  }

  #warnUnknown(path: readonly string[]): void {
    const [name, parent] = [path.at(-1)!, path.slice(0, -1).join('.')]
    if (parent === '' && OBJECT_FIELDS.includes(name)) return
    const siblings = [...BY_FIELD.keys(), ...SECTIONS]
      .filter(field => field.split('.').slice(0, -1).join('.') === parent)
      .map(field => field.split('.').at(-1)!)
    const close = closestText(name, siblings)
    this.notes.push({
      isWarning: true,
      message: 'Unknown field in the configuration file: it has no effect',
      fields: {
        field: path.join('.'),
        ...this.#whereabouts(path),
        ...(close !== undefined && { didYouMean: [...path.slice(0, -1), close].join('.') }),
      },
    })
  }

  #addProblem(path: readonly string[], value: unknown, text: string): void {
    const quoted = value === undefined ? 'is absent' : quoteValue(value)
    this.problems.push(`${this.#placeOf(path)} ${quoted}: ${text}`)
  }

  #whereabouts(path: readonly string[]): { readonly file: string; readonly line: string } {
    return { file: this.#document.path, line: String(this.#document.lineOf(path)) }
  }

  #placeOf(path: readonly string[]): string {
    const place = `${this.#document.path}:${this.#document.lineOf(path)}:`
    return path.length === 0 ? place : `${place} ${path.join('.')}`
  }
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
