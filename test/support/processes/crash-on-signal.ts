/**
 * Loaded into a program under test with `--import`: at SIGUSR2, the program meets an error that nothing catches. `CRASH` says of which
 * kind.
 */
const crash = process.env['CRASH']

process.on('SIGUSR2', () => {
  const error = Object.assign(new Error('the "test"\nbreaks it'), { code: 'ETEST' })
  if (crash === 'rejection') void Promise.reject(error)
  else throw error
})
