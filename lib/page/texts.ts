import { type Language, pageLanguage } from './language.js'
import { EN, type Texts } from './texts/en.js'
import { KO } from './texts/ko.js'

const ALL: Readonly<Record<Language, Texts>> = { en: EN, ko: KO }

/** The texts of the page in the language of the reader. */
export const TEXTS = ALL[pageLanguage()]
