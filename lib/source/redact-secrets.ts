/** Shorter texts are no secrets of any use, and would cut ordinary words out of messages. */
const MIN_LENGTH = 6

/**
 * Cuts this program's own credentials out of a text before it is logged: a proxy or an API server may send a request back in its
 * error message.
 *
 * @param authorization the header that was sent: `Bearer TOKEN` or `Basic BASE64`
 */
export function redactSecrets(text: string, authorization: string | undefined): string {
  if (authorization === undefined) return text
  const [scheme = '', secret = ''] = authorization.split(' ')
  return redactAll(text, scheme === 'Basic' ? [secret, passwordOf(secret)] : [secret])
}

/** Cuts these secrets out of a text, as they are and as they are written in a JSON string. */
export function redactAll(text: string, secrets: readonly string[]): string {
  return secrets
    .flatMap(one => [one, ...escapedForms(one)])
    .filter(({ length }) => length >= MIN_LENGTH)
    .reduce((cleaned, one) => cleaned.replaceAll(one, '[redacted]'), text)
}

/** A secret as it is written in a JSON string, whose quotes, backslashes and slashes may be escaped. */
function escapedForms(secret: string): readonly string[] {
  const inJson = JSON.stringify(secret).slice(1, -1)
  return [inJson, inJson.replaceAll('/', '\\/')]
}

/** @param basic base64 of `NAME:PASSWORD` (RFC 7617) */
function passwordOf(basic: string): string {
  return Buffer.from(basic, 'base64')
    .toString('utf8')
    .replace(/^[^:]*:/, '')
}
