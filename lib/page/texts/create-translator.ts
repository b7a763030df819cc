/**
 * A sentence of the proxy and its translation. `{name}` stands for any text in both, `{name:word}`, `{name:number}` and `{name:addresses}`
 * for what they say. `{name:part}` is translated by itself if it is known, and `{name:sentence}` must be known.
 */
export type SentencePattern = readonly [english: string, translation: string]

/** Translates a sentence; undefined: it is none of those that are known. */
export type Translate = (text: string) => string | undefined

interface Compiled {
  readonly pattern: RegExp
  readonly translation: string
}

const PLACE = /\{(\w+)(?::(\w+))?\}/g
/** What a place of each kind matches; of any other one, any text. */
const MATCHES: ReadonlyMap<string | undefined, string> = new Map([
  ['word', '\\S+'],
  ['number', '[\\d.]+'],
  ['addresses', '[0-9a-fA-F.:,\\[\\] ]+'],
])

/**
 * Makes a translator of patterns; the first one that matches counts. A part of another sentence may lack the capital letter and the full stop
 * of its pattern.
 * @param others are asked for what no pattern matches
 */
export function createTranslator(patterns: readonly SentencePattern[], others: readonly Translate[] = []): Translate {
  const compiled = patterns.map(compile)
  const translateExactly = (text: string, translatePart: Translate): string | undefined => {
    for (const { pattern, translation } of compiled) {
      const groups = pattern.exec(text)?.groups
      const filled = groups && fill(translation, groups, translatePart)
      if (filled !== undefined) return filled
    }
    for (const other of others) {
      const translated = other(text)
      if (translated !== undefined) return translated
    }
    return undefined
  }
  const translateForms = (text: string, translatePart: Translate): string | undefined => {
    const capitalized = text.charAt(0).toUpperCase() + text.slice(1)
    for (const form of new Set([text, capitalized, `${capitalized}.`])) {
      const translated = translateExactly(form, translatePart)
      if (translated !== undefined)
        return form.endsWith('.') && !text.endsWith('.') ? withoutStop(translated) : translated
    }
    return undefined
  }
  return text => {
    // Many patterns ask for the same part; without this, a long text that is not known takes seconds.
    const known = new Map<string, string | undefined>()
    const translatePart: Translate = part => {
      if (!known.has(part)) known.set(part, translateForms(part, translatePart))
      return known.get(part)
    }
    return translatePart(text)
  }
}

function withoutStop(text: string): string {
  return text.replace(/\.$/, '')
}

function compile([english, translation]: SentencePattern): Compiled {
  const places = english.split(PLACE)
  // A text, the name of a place, and its kind, again and again.
  const source = places
    .map((part, index) => {
      if (index % 3 === 0) return escapePattern(part)
      return index % 3 === 1 ? `(?<${part}>${MATCHES.get(places[index + 1]) ?? '.+?'})` : ''
    })
    .join('')
  // The empty group makes a match without places have groups, too.
  return { pattern: new RegExp(`^${source}(?<end>)$`, 's'), translation }
}

function fill(translation: string, groups: Readonly<Record<string, string>>, translate: Translate): string | undefined {
  let isComplete = true
  const text = translation.replace(PLACE, (_, name: string, kind: string | undefined) => {
    const value = groups[name]!
    if (!isComplete || (kind !== 'part' && kind !== 'sentence')) return value
    const translated = translate(value)
    if (translated === undefined && kind === 'sentence') isComplete = false
    return translated ?? value
  })
  return isComplete ? text : undefined
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
