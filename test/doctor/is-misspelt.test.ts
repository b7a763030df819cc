import t from 'tap'
import { isMisspelt } from '../../lib/doctor/is-misspelt.js'

t.test('a typing mistake is one, and the name of a sister is none', t => {
  const rows: readonly (readonly [name: string, meant: string, isMistake: boolean])[] = [
    ['mislabelled', 'mislabeled', true],
    ['htpp', 'http', true],
    ['web-fornt', 'web-front', true],
    ['my-app', 'myapp', true],
    ['Frontend', 'frontend', true],
    ['web-1', 'web-2', false],
    ['http1', 'http2', false],
    ['shop-v1', 'shop-v2', false],
    ['web-10', 'web-1', false],
    ['shop-web-a', 'shop-web-b', false],
    ['metrics', 'http', false],
  ]
  for (const [name, meant, isMistake] of rows) t.equal(isMisspelt(name, meant), isMistake, `${name} ${meant}`)
  t.end()
})
