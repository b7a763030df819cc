const INTEGER = /^([-+]?)(?:0[xX]([\da-fA-F]+)|0[oO]?([0-7]+)|0[bB]([01]+)|(0|[1-9]\d*))$/

/**
 * Reads a whole number as Go's `strconv.ParseInt` with base 0, and so kube-proxy and kubectl: `0x50`, `0o120` and `0120` are 80.
 * @returns undefined for any other text
 */
export function parseInteger(text: string): number | undefined {
  const match = INTEGER.exec(text)
  if (match === null) return undefined
  const [, sign, hexadecimal, octal, binary, decimal] = match
  const size =
    hexadecimal !== undefined
      ? Number.parseInt(hexadecimal, 16)
      : octal !== undefined
        ? Number.parseInt(octal, 8)
        : binary !== undefined
          ? Number.parseInt(binary, 2)
          : Number(decimal)
  // Without -0.
  return sign === '-' ? 0 - size : size
}
