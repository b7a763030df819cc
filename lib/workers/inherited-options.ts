/** Options of Node.js with a program text after them. */
const WITH_PROGRAM = new Set(['-e', '--eval', '-p', '--print', '-pe'])
/** The same with the text in one word. */
const IS_PROGRAM = /^--(eval|print|input-type)=/

/**
 * The options of Node.js that a worker gets from this process: all but a program text. With that, each worker would be this program again,
 * and start workers of its own.
 * @param options such as `process.execArgv`
 */
export function inheritedOptions(options: readonly string[]): string[] {
  return options.filter(
    (option, index) =>
      !WITH_PROGRAM.has(option) && !WITH_PROGRAM.has(options[index - 1] ?? '') && !IS_PROGRAM.test(option),
  )
}
