import { validateHeaderValue } from 'node:http'
import { ProxyFailure } from '../model/failure.js'
import { quoteValue } from '../primitives/quote-value.js'
import { field } from './watch-event.js'

/** What the command of a kubeconfig returned. */
export interface ExecCredential {
  readonly token: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
  /** Milliseconds since 1970; Infinity: valid until the server refuses it. */
  readonly expiresAt: number
}

/**
 * Reads the output of a command that provides credentials: an object ExecCredential of the version that the kubeconfig names.
 * @throws ProxyFailure `KUBECONFIG_INVALID` that names the wrong field, and never quotes a credential
 */
export function parseExecCredential(output: string, expectedVersion: string): ExecCredential {
  const document = parseJson(output)
  const apiVersion = field(document, 'apiVersion')
  if (apiVersion !== undefined && apiVersion !== expectedVersion)
    throw invalid(`apiVersion is ${nameOf(apiVersion)}, expected "${expectedVersion}"`)
  const status = field(document, 'status')
  const text = (name: string): string | undefined => {
    const value = field(status, name)
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const [token, cert, key] = [text('token'), text('clientCertificateData'), text('clientKeyData')]
  if ((token === undefined && cert === undefined) || (cert === undefined) !== (key === undefined))
    throw invalid('status has neither a token nor a certificate with its key')
  if (token !== undefined && !canBeHeader(token))
    throw invalid('status.token has characters that no HTTP header can have, such as a line end')
  const expiresAt = Date.parse(text('expirationTimestamp') ?? '')
  return { token, cert, key, expiresAt: Number.isNaN(expiresAt) ? Infinity : expiresAt }
}

/** Anything but a text may be large, and may contain credentials. */
function nameOf(version: unknown): string {
  return typeof version === 'string' ? quoteValue(version) : `of type ${version === null ? 'null' : typeof version}`
}

function canBeHeader(token: string): boolean {
  try {
    validateHeaderValue('Authorization', token)
    return true
  } catch {
    return false
  }
}

function parseJson(output: string): unknown {
  try {
    return JSON.parse(output)
  } catch {
    // The error of JSON.parse quotes the output.
    throw invalid('the output is not JSON')
  }
}

function invalid(problem: string): ProxyFailure {
  return new ProxyFailure('KUBECONFIG_INVALID', problem)
}
