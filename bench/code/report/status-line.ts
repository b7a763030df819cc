/** A line on a terminal that the next one takes the place of. Into a pipe: nothing. @param text empty: takes it away */
export function showStatus(text: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${text}`)
}
