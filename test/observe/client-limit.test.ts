import t from 'tap'
import { chooseVictim } from '../../lib/observe/client-limit.js'

/**
 * Clients in the order of their last request, the one idle longest first and the new one last; `*` marks this node, `!` a request that
 * still runs.
 */
const TABLE: readonly (readonly [clients: string, victim: number, rule: string])[] = [
  ['a1 b1 c1', 0, 'with as many clients each, the one idle longest gives way'],
  ['a1 b1 b2 c1', 1, 'the address with the most clients gives way first'],
  ['a1 b1 b2 c1 c2 a2', 0, 'of equal addresses, the one with the client idle longest'],
  ['a1 b1 b2', 1, 'an address that takes more than others pays for its new client itself'],
  ['n1* n2* n3* a1 b1', 3, 'clients of this node stay while there are others'],
  ['n1* n2* n3* a1', 3, 'a new client of another host cannot take a place of this node'],
  ['n1* a1 n2*', 1, 'a new client of this node takes the place of another host'],
  ['n1* n2* n3*', 0, 'clients of this node give way to each other'],
  ['a1! b1 c1', 1, 'a client whose request runs is not idle, however long it takes'],
  ['a1! b1! c1! d1', 0, 'if the requests of all clients run, the one that runs longest gives way to the new client'],
  ['a1! a2! b1 c1', 0, 'of an address with more clients than others, one with a request that runs'],
  ['n1!* n2* n3*', 1, 'a client of this node whose request runs is not idle either'],
]

t.test('at the limit one client gives its place to a new one', t => {
  for (const [clients, victim, rule] of TABLE) {
    const list = clients
      .split(' ')
      .map(name => ({ name, address: name[0]!, isFromNode: name.endsWith('*'), isBusy: name.includes('!') }))
    t.equal(chooseVictim(list), list[victim], rule)
  }
  t.end()
})
