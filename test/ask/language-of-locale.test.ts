import t from 'tap'
import { languageOfLocale } from '../../lib/ask/language-of-locale.js'

t.test('the locale decides the language, as the C library reads it', t => {
  const cases: readonly (readonly [env: NodeJS.ProcessEnv, language: string])[] = [
    [{}, 'en'],
    [{ LANG: 'ko_KR.UTF-8' }, 'ko'],
    [{ LANG: 'ko_KR.utf8' }, 'ko'],
    [{ LC_MESSAGES: 'ko_KR.UTF-8', LANG: 'en_US.UTF-8' }, 'ko'],
    [{ LC_ALL: 'C.UTF-8', LC_MESSAGES: 'ko_KR.UTF-8', LANG: 'ko_KR.UTF-8' }, 'en'],
    [{ LC_ALL: '', LANG: 'ko_KR.UTF-8' }, 'ko'],
    // It could not be printed.
    [{ LANG: 'ko_KR.EUC-KR' }, 'en'],
    [{ LANG: 'kok_IN.UTF-8' }, 'en'],
    [{ LC_CTYPE: 'ko_KR.UTF-8' }, 'en'],
  ]
  for (const [env, language] of cases) t.equal(languageOfLocale(env), language, JSON.stringify(env))
  t.end()
})
