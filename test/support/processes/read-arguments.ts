import { type ParseArgsConfig, parseArgs } from 'node:util'

/** What `readArguments` adds to the options of a program. */
const HELP = { help: { type: 'boolean', default: false } } as const

/**
 * Reads the arguments of a program of this repository. With `--help` it prints the usage and exits with code 0; with an option that the
 * program does not have, it says so and exits with code 2.
 * @param usage lines for people
 * @param args left out: those of this process
 */
export function readArguments<O extends NonNullable<ParseArgsConfig['options']>, P extends boolean = false>(
  config: { readonly options: O; readonly allowPositionals?: P; readonly args?: readonly string[] },
  usage: string,
): ReturnType<typeof parseArgs<{ options: O; allowPositionals: P }>> {
  const { args = process.argv.slice(2) } = config
  const parsed = parseOrExit({ ...config, args: [...args], options: { ...config.options, ...HELP } }, usage)
  if (parsed.values['help'] === true) {
    process.stdout.write(usage)
    process.exit(0)
  }
  return parsed as ReturnType<typeof parseArgs<{ options: O; allowPositionals: P }>>
}

function parseOrExit(config: ParseArgsConfig, usage: string): ReturnType<typeof parseArgs> {
  try {
    return parseArgs(config)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    // Node's message goes on with how to write positional arguments.
    process.stderr.write(`${error.message.split('. ')[0]}.\n\n${usage}`)
    process.exit(2)
  }
}
