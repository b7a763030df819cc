import { readArguments } from '../../test/support/processes/read-arguments.js'

/**
 * Reads the numbers that a program of the benchmarks takes, in their order. Ends the process with code 2 if an argument is not a number
 * above 0, or is one too many.
 * @param program its name, for the usage
 * @param defaults by the name of the number
 */
export function readNumbers(program: string, defaults: Readonly<Record<string, number>>): number[] {
  const names = Object.keys(defaults)
  const usage = `npm run bench -- ${program}${names.map(name => ` [${name.toUpperCase()}]`).join('')}\n\nDefaults: ${names.map(name => `${name} ${defaults[name]}`).join(', ')}\n`
  const { positionals } = readArguments({ options: {}, allowPositionals: true }, usage)
  const wrong = positionals.find((text, index) => index >= names.length || !(Number(text) > 0))
  if (wrong !== undefined) {
    process.stderr.write(`"${wrong}" is not expected here.\n\n${usage}`)
    process.exit(2)
  }
  return names.map((name, index) => Number(positionals[index] ?? defaults[name]))
}
