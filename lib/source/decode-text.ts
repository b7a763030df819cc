import { isUtf8 } from 'node:buffer'

const [ZERO, NEWLINE] = [0, 0x0a]

/**
 * The text of a file that a person or a program has written. Bytes that are no text would otherwise become replacement characters in
 * values, and pages of nonsense in messages.
 *
 * @throws Error if it is not UTF-8, or has a zero byte, as UTF-16 and binary files do
 */
export function decodeText(bytes: Buffer): string {
  if (!isText(bytes)) throw new Error(`line ${firstLineWithoutText(bytes)} is not text, expected UTF-8`)
  return bytes.toString('utf8')
}

function isText(bytes: Buffer): boolean {
  return isUtf8(bytes) && !bytes.includes(ZERO)
}

/** No character of UTF-8 contains the byte of a newline, so that each line can be looked at by itself. */
function firstLineWithoutText(bytes: Buffer): number {
  let line = 1
  for (let start = 0; start < bytes.length; line++) {
    const newline = bytes.indexOf(NEWLINE, start)
    const end = newline < 0 ? bytes.length : newline
    if (!isText(bytes.subarray(start, end))) return line
    start = end + 1
  }
  return line
}
