// Reads `--grep=PATTERN` of `npm run one`. tap's own runner understands it; a test file that is started by hand reads a variable.
//
// PATTERN is a regular expression, or /expression/flags. A second --grep filters the tests inside of those that the first one lets
// run, and so on.

/**
 * Takes --grep out of the arguments of a test file.
 * @param {readonly string[]} args
 * @returns {{ args: readonly string[], env: Readonly<Record<string, string>> }} the other arguments, and what tap reads instead
 */
export function readTestFilter(args) {
  const patterns = []
  const others = []
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]
    if (arg.startsWith('--grep=')) patterns.push(arg.slice('--grep='.length))
    else if (arg === '--grep' || arg === '-g') patterns.push(args[++index] ?? '')
    else others.push(arg)
  }
  if (patterns.includes('')) throw new Error('--grep needs a pattern: --grep=PATTERN')
  return { args: others, env: patterns.length === 0 ? {} : { TAP_GREP: patterns.join('\n') } }
}
