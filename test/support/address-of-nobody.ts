let given = 0

/**
 * A loopback address that nobody else uses: a port that was closed on it stays closed, where on 127.0.0.1 the kernel soon gives it
 * to the next who asks for any port.
 */
export function addressOfNobody(): string {
  given++
  return `127.66.${given >> 8}.${given & 255}`
}
