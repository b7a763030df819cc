import { type JSX } from 'preact'
import { LANGUAGES, chooseLanguage, pageLanguage } from '../language.js'
import { TEXTS } from '../texts.js'

/** Shows the page in another language. */
export function LanguageSwitch(): JSX.Element {
  const current = pageLanguage()
  return (
    <div class="languages" role="group" aria-label={TEXTS.language}>
      {LANGUAGES.map(([language, name]) => (
        <button
          key={language}
          type="button"
          lang={language}
          aria-pressed={language === current}
          onClick={() => chooseLanguage(language)}
        >
          {name}
        </button>
      ))}
    </div>
  )
}
