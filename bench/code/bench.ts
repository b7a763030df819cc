/**
 * Runs benchmarks. `npm run bench` runs all loads of userspace mode with every contender and writes the report; `npm run bench -- NAME`
 * runs one load; `npm run bench -- kernel` runs those of iptables mode, `-- ipvs` those of ipvs mode.
 */
const STANDALONE_PROGRAMS = ['lossless', 'programming', 'rest', 'rules', 'stalls', 'watched', 'page', 'micro'] as const

const [name] = process.argv.slice(2)
if (STANDALONE_PROGRAMS.some(program => program === name)) {
  // Each of these programs reads its own arguments.
  process.argv.splice(2, 1)
  await import(`./${name}.js`)
} else if (name === 'ipvs') {
  const { compareIpvs } = await import('./compare-ipvs.js')
  process.exitCode = await compareIpvs(process.argv.slice(3))
} else {
  const { compare } = await import('./compare.js')
  process.exitCode =
    name === 'kernel'
      ? await compare((await import('./suites/iptables.js')).IPTABLES_SUITE, process.argv.slice(3))
      : await compare((await import('./suites/userspace.js')).USERSPACE_SUITE, process.argv.slice(2))
}
