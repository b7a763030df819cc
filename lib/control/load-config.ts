import { type FlagValues, flagSettings } from '../config/flag-settings.js'
import { type KnownMode } from '../config/kube-proxy-config.js'
import { type ReadConfigResult, readConfig, readSettings } from '../config/read-config.js'
import { mergeSettings } from '../config/settings.js'
import { type Log } from '../model/log.js'
import { readConfigurationFile } from '../source/read-configuration-file.js'

/**
 * Reads the configuration from flags, and from the file that `--config` names, if it does.
 * @param hostName the name of the machine
 * @throws ProxyFailure CONFIG_INVALID if the file cannot be read at all; mistakes in it are problems of the result
 */
export async function loadConfig(
  values: FlagValues,
  hostName: string,
  knownModes: readonly KnownMode[],
): Promise<ReadConfigResult> {
  const flags = flagSettings(values)
  const path = flags.settings.get('config')?.value
  if (typeof path !== 'string' || path === '') return readConfig(values, hostName, knownModes)
  const file = await readConfigurationFile(path)
  const merged = mergeSettings(flags.settings, file.settings)
  const context = { hostName, knownModes, isFile: true }
  const { config, problems, notes } = readSettings(merged.settings, context)
  // Without its settings, a file that is no configuration would only cause consequences.
  const own = file.settings.size === 0 && file.problems.length > 0 ? [] : problems
  return {
    config,
    problems: [...flags.problems, ...file.problems, ...own],
    notes: [...file.notes, ...merged.notes, ...notes],
  }
}

/** Logs what the operator should know about a configuration, one line each. */
export function logNotes({ notes }: Pick<ReadConfigResult, 'notes'>, log: Log): void {
  for (const { isWarning, message, fields } of notes)
    if (isWarning) log.warn(message, fields)
    else log.info(0, message, fields)
}
