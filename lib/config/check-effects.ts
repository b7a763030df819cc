import { parseDuration } from './duration.js'
import { type Option } from './option.js'
import { OPTIONS } from './options.js'
import { type SettingReader } from './setting-reader.js'
import { type ConfigNote, type SettingValue } from './settings.js'

const VERSION = /^\d+\.\d+$/

/** Notes each option that was given and has no effect here, and adds a problem for each one that is refused. */
export function checkEffects(reader: SettingReader): readonly ConfigNote[] {
  return OPTIONS.flatMap(option => {
    const { name, effect = 'honoured' } = option
    if (effect === 'honoured' || !reader.has(name)) return []
    const value = reader.readValue(name)!
    checkKind(reader, option)
    if ('refused' in effect) {
      if (!isDefault(option, value)) reader.addProblem(name, `cannot be honoured: ${effect.refused}`)
      return []
    }
    // Installers write all fields into a file; a flag is there because an operator wants something.
    if (reader.sourceOf(name) === 'file' && isDefault(option, value)) return []
    const fields = { option: reader.nameOf(name), value: String(value), reason: effect.none }
    return [{ isWarning: false, message: 'Option without effect', fields }]
  })
}

/** A value of the wrong kind, or out of range, is a mistake, as in kube-proxy, although it has no effect. */
function checkKind(reader: SettingReader, { name, kind, expects }: Option): void {
  const text = reader.readText(name)
  const number = kind === 'duration' ? parseDuration(text) : text === '' ? undefined : Number(text)
  if (kind === 'switch') reader.readSwitch(name)
  else if (kind === 'duration' && number === undefined)
    reader.addProblem(name, 'expected a duration such as 250ms or 1m30s')
  else if (kind === 'number' && (number === undefined || Number.isNaN(number)))
    reader.addProblem(name, 'expected a number')
  else if (expects === 'positive' && number! <= 0) reader.addProblem(name, 'must be longer than 0')
  else if (expects === 'non-negative' && number! < 0) reader.addProblem(name, 'must be at least 0')
  else if (expects === 'version' && text !== '' && !VERSION.test(text))
    reader.addProblem(name, 'expected a version of Kubernetes such as 1.35')
}

function isDefault({ kind, default: byDefault = '' }: Option, value: SettingValue): boolean {
  if (typeof value !== 'string') return typeof value === 'boolean' ? String(value) === (byDefault || 'false') : false
  if (kind === 'duration') return parseDuration(value) === parseDuration(byDefault)
  return value === byDefault
}
