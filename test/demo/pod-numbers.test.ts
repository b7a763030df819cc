import t from 'tap'
import { PodNumbers } from '../../lib/demo/pod-numbers.js'

t.test('Pods get the addresses of the network in turn, and one that was released comes last', t => {
  const numbers = new PodNumbers()
  t.equal(numbers.take(), 2, 'the node has the first')
  t.equal(numbers.take(), 3)
  numbers.release(2)
  for (let expected = 4; expected <= 254; expected++) t.equal(numbers.take(), expected)
  t.equal(numbers.take(), 2)
  t.end()
})

t.test('a Pod for which there is no address is an error, and thousands of Pods one after the other are none', t => {
  const numbers = new PodNumbers()
  for (let pod = 0; pod < 3000; pod++) numbers.release(numbers.take())
  const taken = new Set(Array.from({ length: 253 }, () => numbers.take()))
  t.equal(taken.size, 253)
  t.throws(() => numbers.take(), /253 Pods, and no address for another one/)
  numbers.release(77)
  t.equal(numbers.take(), 77)
  t.end()
})
