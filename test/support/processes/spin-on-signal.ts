/** Loaded into a program under test with `--import`: from SIGUSR2 on, the main thread of the process that gets it works without end. */
process.on('SIGUSR2', () => {
  for (;;);
})
