/** The languages of the page, each by its own name. */
export const LANGUAGES = [
  ['en', 'English'],
  ['ko', '한국어'],
] as const
/** One of them. */
export type Language = (typeof LANGUAGES)[number][0]

const KEY = 'kube-proxy-language'

/** The language of the page: the one that was chosen in this browser, or else the first of the browser's that the page has. */
export function pageLanguage(): Language {
  const wanted = [chosenLanguage() ?? '', ...navigator.languages.map(name => name.split('-')[0]!)]
  const known: readonly Language[] = LANGUAGES.map(([language]) => language)
  return wanted.flatMap(name => known.filter(language => language === name))[0] ?? 'en'
}

/** Shows the page in a language, now and the next time. */
export function chooseLanguage(language: Language): void {
  try {
    localStorage.setItem(KEY, language)
  } catch {
    // A browser that keeps nothing shows its own language.
  }
  location.reload()
}

function chosenLanguage(): string | null {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return null
  }
}
