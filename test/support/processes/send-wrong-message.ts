/** Loaded into a process under test with `--import`: at SIGUSR2 it sends its parent a message that is none of its protocol. */
process.on('SIGUSR2', () => process.send?.(null))
