import { type ApiObject } from './api-server.js'

export type ObjectMatcher = (object: ApiObject) => boolean

/** `!key`, `key`, `key=value`, `key!=value`. */
export function parseLabelRequirement(part: string): ObjectMatcher {
  const [, not, key, operator, value] = /^(!?)([^=!]+)(==?|!=)?(.*)$/.exec(part) ?? []
  return ({ metadata }) => {
    const label = (metadata['labels'] as Record<string, string> | undefined)?.[key ?? '']
    if (operator === undefined) return (label === undefined) === (not === '!')
    return (label === value) === (operator !== '!=')
  }
}

export function parseFieldRequirement(part: string, knowsClusterIP: boolean): ObjectMatcher | undefined {
  const [, field, operator, value] = /^([^=!]+)(==?|!=)(.*)$/.exec(part) ?? []
  const read = {
    'metadata.name': (object: ApiObject) => object.metadata.name,
    'metadata.namespace': (object: ApiObject) => object.metadata.namespace,
    ...(knowsClusterIP && {
      'spec.clusterIP': (object: ApiObject) => (object['spec'] as { clusterIP?: string } | undefined)?.clusterIP,
    }),
  }[field ?? '']
  return read && (object => (read(object) === value) === (operator !== '!='))
}

export function splitSelector(selector: string | null): string[] {
  return selector === null || selector === '' ? [] : selector.split(',')
}
