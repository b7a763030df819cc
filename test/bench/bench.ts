/** Runs one benchmark: `npm run bench -- NAME [its arguments]`. */
const BENCHES = ['lossless', 'programming', 'rules', 'stalls'] as const

const [name] = process.argv.splice(2, 1)
if (BENCHES.some(bench => bench === name)) {
  await import(`./${name}.js`)
} else {
  process.stderr.write(
    `${name === undefined ? 'Which benchmark?' : `There is no benchmark "${name}".`} npm run bench -- NAME, one of: ${BENCHES.join(', ')}\n`,
  )
  process.exitCode = 2
}
