let issued = 0

/**
 * A loopback address that no other program uses: a closed port stays closed there. On 127.0.0.1 the kernel soon gives it
 * to the next program that requests a free port.
 */
export function unusedAddress(): string {
  issued++
  return `127.66.${issued >> 8}.${issued & 255}`
}
