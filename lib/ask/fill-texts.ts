import { LANGUAGES, type Texts, type Values } from './texts.js'

const PLACEHOLDER = /\{(\w+)\}/g

/**
 * Puts values in place of `{name}`.
 * @throws Error unless each language quotes every value
 */
export function fillTexts(texts: Texts, values: Values): Texts {
  const names = Object.keys(values).sort()
  for (const language of LANGUAGES) {
    const quoted = new Set([...texts[language].matchAll(PLACEHOLDER)].map(([, name]) => name!))
    const found = [...quoted].sort()
    if (found.join() !== names.join())
      throw new Error(`The values are ${names.join(', ')}, and the text quotes ${found.join(', ')}: ${texts[language]}`)
  }
  const fill = (text: string): string => text.replace(PLACEHOLDER, (_, name: string) => String(values[name]))
  return { en: fill(texts.en), ko: fill(texts.ko) }
}
