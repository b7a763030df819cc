import t from 'tap'
import { SendBurst } from '../../../lib/dataplane/udp/send-burst.js'

const datagrams = (...texts: string[]) => texts.map(text => Buffer.from(text))

t.test('what is added in one turn of the event loop is sent at its end, in order', async t => {
  const burst = new SendBurst()
  const sent: string[] = []
  const toOne = (datagram: Buffer) => void sent.push(`one ${datagram.toString()}`)
  const toOther = (datagram: Buffer) => void sent.push(`other ${datagram.toString()}`)
  const [a, b, c, d] = datagrams('a', 'b', 'c', 'd')
  burst.add(toOne, a!)
  burst.add(toOther, b!)
  burst.add(toOne, c!)
  t.same(sent, [], 'not at once')
  await new Promise(setImmediate)
  t.same(sent, ['one a', 'other b', 'one c'])
  burst.add(toOther, d!)
  await new Promise(setImmediate)
  t.same(sent, ['one a', 'other b', 'one c', 'other d'], 'and so in the next turn')
})

t.test('a flush sends at once, and nothing twice', async t => {
  const burst = new SendBurst()
  const sent: string[] = []
  const send = (datagram: Buffer) => void sent.push(datagram.toString())
  const [a, b, c] = datagrams('a', 'b', 'c')
  burst.add(send, a!)
  burst.add(send, b!)
  burst.flush()
  t.same(sent, ['a', 'b'])
  burst.add(send, c!)
  await new Promise(setImmediate)
  t.same(sent, ['a', 'b', 'c'])
})
