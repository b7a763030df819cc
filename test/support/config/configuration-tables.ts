import { type Option, isFlag } from '../../../lib/config/option.js'
import { OPTION_GROUPS } from '../../../lib/config/options.js'
import { MODES } from '../../../lib/modes/registry.js'
import { optionValues } from './option-values.js'

/** The reference of all options in the document about the configuration: a table for each group. */
export function configurationTables(): string {
  return OPTION_GROUPS.map(({ title, options }) => {
    const rows = options.map(option => `| ${cellsOf(option).join(' | ')} |`)
    return [`### ${title}`, '', '| flag | field | values | default | meaning |', '|---|---|---|---|---|', ...rows].join(
      '\n',
    )
  }).join('\n\n')
}

function cellsOf(option: Option): readonly string[] {
  const { name, field, kind } = option
  const byDefault = option.default ?? (kind === 'switch' ? 'false' : '')
  return [
    isFlag(option) ? code(name === 'v' ? '-v' : `--${name}`) : '',
    code(field ?? ''),
    optionValues(option).replaceAll('|', '\\|'),
    code(byDefault),
    meaning(option),
  ]
}

function meaning({ help, effect = 'honoured', extension, since, until, isLive, restart }: Option): string {
  const modes = MODES.map(({ name }) => name).join(', ')
  return [
    `${help.replace('{modes}', modes)}.`,
    ...(effect === 'honoured'
      ? []
      : 'none' in effect
        ? [`**No effect:** ${effect.none}.`]
        : [`**Refused:** ${effect.refused}.`]),
    ...(isLive === true ? ['Changes in a running proxy.'] : []),
    ...(restart === undefined ? [] : [`**Needs a restart:** ${restart}.`]),
    ...(extension === true ? ['Not in kube-proxy.'] : []),
    ...(since === undefined ? [] : [`kube-proxy ${since} and later.`]),
    ...(until === undefined ? [] : [`kube-proxy up to ${until}.`]),
  ]
    .join(' ')
    .replaceAll('|', '\\|')
}

function code(text: string): string {
  return text === '' ? '' : `\`${text}\``
}
