import t from 'tap'
import { SendBurst } from '../../../lib/dataplane/udp/send-burst.js'

const datagrams = (...texts: string[]) => texts.map(text => Buffer.from(text))

t.test('datagrams of one turn of the event loop are sent at its end, in order', async t => {
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
  t.same(sent, ['one a', 'other b', 'one c', 'other d'], 'the same in the next turn')
})

t.test('a megabyte of datagrams does not wait for the end of the turn', async t => {
  const burst = new SendBurst()
  let sent = 0
  const send = ({ length }: Buffer) => void (sent += length)
  for (let n = 0; n < 30; n++) burst.add(send, Buffer.alloc(64 * 1024))
  t.ok(sent > 1024 * 1024 && sent < 30 * 64 * 1024, `${sent} bytes are sent`)
  await new Promise(setImmediate)
  t.equal(sent, 30 * 64 * 1024)
})

t.test('a flush sends all datagrams at once, and none twice', async t => {
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
