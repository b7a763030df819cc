/** Loaded into a program under test with `--import`: from SIGUSR2 on, the process that gets it takes memory, until the kernel kills it. */
const BLOCK_BYTES = 1024 * 1024
/** Where no memory cgroup holds it, it must not take all memory of the machine. */
const MAX_BLOCKS = 512

process.on('SIGUSR2', () => {
  const blocks: Buffer[] = []
  while (blocks.length < MAX_BLOCKS) blocks.push(Buffer.alloc(BLOCK_BYTES, blocks.length))
})
