import t from 'tap'
import { Memo } from '../../lib/primitives/memo.js'

t.test('an equal input returns the same object without another computation', t => {
  const computed: string[] = []
  const memo = new Memo(({ name, ports }: { name: string; ports: number[] }) => {
    computed.push(name)
    return { text: `${name} ${ports.join()}` }
  })
  const first = memo.get({ name: 'web', ports: [80, 443] })
  t.equal(memo.get({ name: 'web', ports: [80, 443] }), first)
  t.same(computed, ['web'])

  const second = memo.get({ name: 'web', ports: [443, 80] })
  t.same(second, { text: 'web 443,80' }, 'the order of a list counts')
  t.same(computed, ['web', 'web'])

  t.same(memo.get({ name: 'web', ports: [80, 443] }), first)
  t.same(computed, ['web', 'web', 'web'], 'only the last result is remembered')
  t.end()
})

t.test('undefined is an input and a result like any other', t => {
  let calls = 0
  const memo = new Memo((_input: string | undefined) => void calls++)
  memo.get(undefined)
  memo.get(undefined)
  t.equal(calls, 1)
  memo.get('undefined')
  t.equal(calls, 2)
  t.end()
})
