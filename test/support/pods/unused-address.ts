let issued = 0

/**
 * A loopback address that nobody else uses: a port that was closed on it stays closed, where on 127.0.0.1 the kernel soon gives it
 * to the next who asks for any port.
 */
export function unusedAddress(): string {
  issued++
  return `127.66.${issued >> 8}.${issued & 255}`
}
