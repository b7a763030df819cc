import { type Language } from './texts.js'

/** The variables that name the language of messages, in the order in which the C library looks at them. */
const LOCALE_VARIABLES = ['LC_ALL', 'LC_MESSAGES', 'LANG']

/** The language that the locale asks for. English for every other language, and where the locale has no Hangul. */
export function languageOfLocale(env: NodeJS.ProcessEnv): Language {
  const locale = LOCALE_VARIABLES.map(name => env[name]).find(value => value !== undefined && value !== '') ?? ''
  return /^ko(_|\.|$)/i.test(locale) && /utf-?8/i.test(locale) ? 'ko' : 'en'
}
