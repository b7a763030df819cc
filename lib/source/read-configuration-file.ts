import { type DecodedConfiguration, decodeConfiguration } from '../config/decode-configuration.js'
import { type ConfigNote } from '../config/settings.js'
import { ProxyFailure } from '../model/failure.js'
import { decodeText } from './decode-text.js'
import { MAX_CREDENTIAL_BYTES, readRegularFile } from './read-regular-file.js'
import { type TextProblem, readYaml } from './read-yaml.js'
import { quoteValue } from '../primitives/quote-value.js'

const EXPECTED = 'expected one KubeProxyConfiguration in YAML or JSON'

/**
 * Reads a configuration file, whatever its name ends with.
 * @throws ProxyFailure CONFIG_INVALID if it cannot be read: no file, a folder, a FIFO, too large, no text
 */
export async function readConfigurationFile(path: string): Promise<DecodedConfiguration> {
  return parseConfigurationFile(await readText(path), path)
}

/** The same for the text of a file. `path` is for messages. */
export function parseConfigurationFile(text: string, path: string): DecodedConfiguration {
  const documents = readYaml(text, 1, 'last').filter(({ value, problems }) => value !== null || problems.length > 0)
  const place = ({ line, text: problem }: TextProblem): string => `${path}:${line}: ${problem}`
  const [document, second] = documents
  const problems = documents.flatMap(one => one.problems).map(place)
  if (problems.length > 0) return invalid(problems)
  if (document === undefined) return invalid([place({ line: 1, text: `the file is empty; ${EXPECTED}` })])
  if (second !== undefined)
    return invalid([place({ line: second.lineOf([]), text: `a second document begins here; ${EXPECTED}` })])
  const decoded = decodeConfiguration({ path, value: document.value, lineOf: document.lineOf })
  return { ...decoded, notes: [...(document.duplicates ?? []).map(one => duplicateNote(one, path)), ...decoded.notes] }
}

function invalid(problems: readonly string[]): DecodedConfiguration {
  return { settings: new Map(), problems, notes: [] }
}

function duplicateNote({ line, text: field }: TextProblem, file: string): ConfigNote {
  const message = 'Field given twice in the configuration file: the last one counts'
  return { isWarning: true, message, fields: { field, file, line: String(line) } }
}

async function readText(path: string): Promise<string> {
  try {
    return decodeText((await readRegularFile(path, MAX_CREDENTIAL_BYTES)).bytes)
  } catch (error) {
    throw new ProxyFailure('CONFIG_INVALID', `Cannot read the configuration file ${quoteValue(path)}`, {
      cause: error,
      hint: 'Give --config a file with a KubeProxyConfiguration; docs/configuration.md describes it',
    })
  }
}
