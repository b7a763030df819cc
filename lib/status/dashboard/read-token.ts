import { ProxyFailure } from '../../model/failure.js'
import { quoteValue } from '../../primitives/quote-value.js'
import { readRegularFile } from '../../source/read-regular-file.js'

/** Long enough that it cannot be guessed, and short enough for a header. */
const MIN_LENGTH = 16
const MAX_LENGTH = 1024
const READ_BY_OTHERS = 0o004

/** The token, and whether the mode of its file lets all users read it. */
interface ReadToken {
  readonly token: string
  readonly isReadableForAll: boolean
}

/** Reads the file of `--dashboard-token-file`. @throws ProxyFailure without what stands in it */
export async function readToken(path: string): Promise<ReadToken> {
  const fail = (cause?: unknown): ProxyFailure =>
    new ProxyFailure('DASHBOARD_TOKEN_INVALID', `Cannot read the token of the dashboard from ${quoteValue(path)}`, {
      cause,
      hint: `Write ${MIN_LENGTH} to ${MAX_LENGTH} letters, digits and signs without spaces there, such as those of: (umask 077; openssl rand -hex 32 > FILE)`,
    })
  const { bytes, stats } = await readRegularFile(path, 2 * MAX_LENGTH).catch((error: unknown) => {
    throw fail(error)
  })
  const token = bytes.toString('latin1').trim()
  if (token.length < MIN_LENGTH) throw fail(new Error(`it has ${token.length} characters, expected ${MIN_LENGTH}`))
  if (token.length > MAX_LENGTH || !/^[!-~]+$/.test(token))
    throw fail(new Error(`expected at most ${MAX_LENGTH} printable characters in one line`))
  return { token, isReadableForAll: (stats.mode & READ_BY_OTHERS) !== 0 }
}
