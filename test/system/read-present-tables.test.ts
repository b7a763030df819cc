import t from 'tap'
import { IptablesPrograms } from '../../lib/system/iptables.js'
import { readPresentTables } from '../../lib/system/read-present-tables.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'

const options = { skip: namespacesUnavailable }
/** A name that no kernel has a table for. */
const MISSING = 'missing'

t.test('tables that the kernel does not have are left out, as long as it has one', options, async t => {
  for (const family of ['IPv4', 'IPv6'] as const) {
    const legacy = new IptablesPrograms(family, 'legacy')
    t.same([...(await readPresentTables(legacy, ['filter', MISSING, 'nat'])).keys()], ['filter', 'nat'], family)
    await t.rejects(readPresentTables(legacy, [MISSING, `${MISSING}2`]), { code: 'IPTABLES_ABSENT' }, family)
  }
})

t.test('a table that cannot be read for another reason is a failure', options, async t => {
  const locked = Object.assign(new Error('locked'), { code: 'IPTABLES_LOCKED' })
  const legacy = new IptablesPrograms('IPv4', 'legacy')
  const read = async (tables: Iterable<string>) => {
    const names = [...tables]
    if (names.length === 1 && names[0] === 'nat') throw locked
    return legacy.read(names)
  }
  await t.rejects(readPresentTables({ read }, ['filter', 'nat', MISSING]), { code: 'IPTABLES_LOCKED' })
})
