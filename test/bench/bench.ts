/**
 * Runs benchmarks: `npm run bench` all loads with every contender, and writes the report; `npm run bench -- NAME` one.
 */
const PROGRAMS = ['lossless', 'programming', 'rules', 'stalls', 'micro'] as const

const [name] = process.argv.slice(2)
if (PROGRAMS.some(program => program === name)) {
  // Each reads its own arguments.
  process.argv.splice(2, 1)
  await import(`./${name}.js`)
} else {
  const { compare } = await import('./compare.js')
  process.exitCode = await compare(process.argv.slice(2))
}
