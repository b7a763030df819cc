/** Prints a line on a terminal that the next one replaces; in a pipe nothing. @param text empty to remove the line */
export function showStatus(text: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${text}`)
}
