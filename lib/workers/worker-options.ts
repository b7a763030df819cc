/**
 * In megabytes: the half of the space for young objects, and how much older ones may take before the engine first looks for garbage. Most
 * objects of a worker live as long as a request. Spaces that grow with the load, as the engine has them by default, keep up to 40 MB of
 * garbage and make no load that we measured cheaper (docs/where-the-time-goes.md).
 */
export const MEMORY_OPTIONS: readonly string[] = ['--max-semi-space-size=2', '--initial-old-space-size=8']

/** Options of Node.js with a program text after them. */
const WITH_PROGRAM = new Set(['-e', '--eval', '-p', '--print', '-pe'])
/** The same with the text in one word. */
const IS_PROGRAM = /^--(eval|print|input-type)=/

/**
 * The options of Node.js for a worker: those of `MEMORY_OPTIONS`, and after them, so that they count, what this process got, apart from a
 * program text. With that, each worker would be this program again, and start workers of its own.
 * @param options such as `process.execArgv`
 */
export function workerOptions(options: readonly string[]): string[] {
  const inherited = options.filter(
    (option, index) =>
      !WITH_PROGRAM.has(option) && !WITH_PROGRAM.has(options[index - 1] ?? '') && !IS_PROGRAM.test(option),
  )
  return [...MEMORY_OPTIONS, ...inherited]
}
