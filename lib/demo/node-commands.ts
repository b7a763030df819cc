/** Runs programs on the node of the demo. */
export interface NodeCommands {
  run(program: string, args: readonly string[]): Promise<{ readonly stdout: string }>
}
