import { type Option } from '../../../lib/config/option.js'
import { readSettings } from '../../../lib/config/read-config.js'
import { type Setting } from '../../../lib/config/settings.js'
import { MODES } from '../../../lib/modes/registry.js'

/** Values that most options refuse: no word of any of them, and numbers and durations beyond what a computer counts. */
const WRONG_VALUES = ['?!', '-1', '32', '99999999999999', '-1s', '10000000h']
const DURATION = /^a duration such as .*/

/** What an option takes, in the words in which the program refuses other values. */
export function optionValues(option: Option): string {
  const { kind, value = '' } = option
  if (kind === 'switch') return '`true`, `false`'
  const words = WRONG_VALUES.flatMap(wrong => refusalOf(option, wrong))
    .filter(text => /^(expected|must be) /.test(text))
    .map(text => text.replace(/^(expected|must be) /, '').replace(DURATION, 'a duration'))
  // The first words say what kind of value it is, the others its limits: each once, and the narrowest first.
  const parts = words.filter((text, index) => !words.slice(0, index).some(before => isSaid(text, before)))
  return parts.length === 0 ? value : parts.join(', ')
}

function isSaid(text: string, before: string): boolean {
  return before.includes(text) || (text.startsWith('at most') && /^(at most|from) /.test(before))
}

/** Why the program refuses a value of an option; empty if it takes it. */
function refusalOf({ name, kind }: Option, wrong: string): readonly string[] {
  const setting: Setting = { value: kind === 'list' ? [wrong] : wrong, source: 'flag', place: '' }
  const context = { hostName: 'host', knownModes: MODES, isFile: false }
  const { problems } = readSettings(new Map([[name, setting]]), context)
  return problems.map(problem => problem.replace(/^ (?:\[.*?\]|".*?"): /, ''))
}
