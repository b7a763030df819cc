import { ProxyFailure } from '../model/failure.js'
import { type ObservedRules } from '../netfilter/iptables-save.js'
import { type Iptables } from './iptables.js'

/** The rules of those tables that the kernel has: it may lack one that others can do without. @throws ProxyFailure, IPTABLES_ABSENT if it has none */
export async function readPresentTables(
  iptables: Pick<Iptables, 'read'>,
  tables: readonly string[],
): Promise<ObservedRules> {
  const all = await iptables.read(tables).catch(toAbsence)
  if (!(all instanceof ProxyFailure)) return all
  const each = await Promise.all(tables.map(table => iptables.read([table]).catch(toAbsence)))
  if (each.every(table => table instanceof ProxyFailure)) throw all
  return new Map(each.flatMap(table => (table instanceof ProxyFailure ? [] : [...table])))
}

function toAbsence(error: unknown): ProxyFailure {
  if (error instanceof ProxyFailure && error.code === 'IPTABLES_ABSENT') return error
  throw error
}
