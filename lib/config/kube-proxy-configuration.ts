import { parseInteger } from '../primitives/parse-integer.js'
import { parseDuration, goDuration } from './duration.js'
import { type KubeProxyConfig } from './kube-proxy-config.js'
import { type Option } from './option.js'
import { OPTIONS } from './options.js'
import { parseBool } from './parse-bool.js'

/** A configuration in kube-proxy's own form, as an object of the API `kubeproxy.config.k8s.io/v1alpha1`. */
export interface KubeProxyConfiguration {
  readonly apiVersion: 'kubeproxy.config.k8s.io/v1alpha1'
  readonly kind: 'KubeProxyConfiguration'
  readonly [field: string]: unknown
}

/**
 * The configuration in use as a KubeProxyConfiguration, with all defaults, for `--write-config-to`. Read as a file, it gives the same
 * configuration again.
 */
export function kubeProxyConfiguration(config: KubeProxyConfig): KubeProxyConfiguration {
  const { options, healthzBindAddress, metricsBindAddress } = config
  const fields: Record<string, unknown> = {}
  for (const option of OPTIONS.filter(isWritten)) {
    const steps = option.field!.split('.')
    let section = fields
    for (const step of steps.slice(0, -1)) section = (section[step] ??= {}) as Record<string, unknown>
    section[steps.at(-1)!] = fieldValue(option, options[option.name])
  }
  // Other flags may give the ports.
  const written = sorted({ ...fields, healthzBindAddress, metricsBindAddress })
  return { apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', kind: 'KubeProxyConfiguration', ...written }
}

/** Fields without effect that newer versions of kube-proxy no longer have would only cause its warnings. */
function isWritten({ field, until, kind, effect }: Option): boolean {
  return field !== undefined && kind !== 'any' && (until === undefined || effect === undefined)
}

function fieldValue(option: Option, value: KubeProxyConfig['options'][string] | undefined): unknown {
  const { kind } = option
  if (kind === 'list') return entriesOf(option, value)
  if (kind === 'map') return Object.fromEntries(entriesOf(option, value).flatMap(toGate))
  const text = String(value ?? '')
  switch (kind) {
    case 'switch':
      return parseBool(text) ?? false
    case 'number':
      return parseInteger(text) ?? Number(text)
    case 'duration': {
      const ms = parseDuration(text) ?? 0
      // In a file 0 would mean the default.
      return ms === 0 && text !== '' && option.zeroIsDefault === true ? '1ns' : goDuration(ms)
    }
    default:
      return text
  }
}

function entriesOf({ hasCommas }: Option, value: KubeProxyConfig['options'][string] | undefined): readonly string[] {
  const texts = typeof value === 'string' ? [value] : (value ?? [])
  const entries = hasCommas === true ? texts.flatMap(text => text.split(',')) : texts
  return entries.map(text => text.trim()).filter(text => text !== '')
}

/** None for a text that is no gate: it has no effect. */
function toGate(text: string): readonly (readonly [string, boolean])[] {
  const [name, value = ''] = text.split('=', 2) as [string, string?]
  const parsed = parseBool(value.trim())
  return parsed === undefined || name.trim() === '' ? [] : [[name.trim(), parsed]]
}

/** In the order of the alphabet, as kube-proxy writes it. */
function sorted(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => [name, isSection(value) ? sorted(value) : value]),
  )
}

function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
