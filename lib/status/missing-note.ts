import { type Inspection } from '../dataplane/inspect-request.js'

/** Said where workers have not replied. */
export function missingNote({ missing }: Pick<Inspection, 'missing'>): string[] {
  if (missing.length === 0) return []
  const names = missing.length === 1 ? `Worker ${missing[0]} has` : `Workers ${missing.join(', ')} have`
  return [`${names} not replied: what is there is missing here`]
}
