import { X509Certificate } from 'node:crypto'
import { validateHeaderValue } from 'node:http'
import { ProxyFailure } from '../model/failure.js'
import { quoteValue } from '../primitives/quote-value.js'
import { field } from './watch-event.js'

interface CertificateValidity {
  readonly from: number
  readonly to: number
}

/** What the command of a kubeconfig returned. */
export interface ExecCredential {
  readonly token: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
  /** When `cert` begins and ends to be valid, in milliseconds since 1970; undefined: there is none. */
  readonly certValidity: CertificateValidity | undefined
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
  const certValidity = cert === undefined ? undefined : readValidity(cert)
  return { token, cert, key, certValidity, expiresAt: Number.isNaN(expiresAt) ? Infinity : expiresAt }
}

/** Anything but a text may be large, and may contain credentials. */
function nameOf(version: unknown): string {
  return typeof version === 'string' ? quoteValue(version) : `of type ${version === null ? 'null' : typeof version}`
}

function readValidity(pem: string): CertificateValidity {
  const problem = 'status.clientCertificateData is not a certificate, expected PEM'
  try {
    const { validFrom, validTo } = new X509Certificate(pem)
    const [from, to] = [Date.parse(validFrom), Date.parse(validTo)]
    if (!Number.isNaN(from + to)) return { from, to }
  } catch (cause) {
    throw invalid(problem, cause)
  }
  throw invalid(problem)
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

function invalid(problem: string, cause?: unknown): ProxyFailure {
  return new ProxyFailure('KUBECONFIG_INVALID', problem, { cause })
}
