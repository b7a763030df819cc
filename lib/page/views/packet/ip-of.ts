/** The address without its port: of `10.244.0.2:8080`, or `[fd00::2]:8080`. */
export function ipOf(text: string): string {
  return text.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
}
