import t from 'tap'
import { flowCapacity } from '../../../lib/dataplane/udp/flow-capacity.js'

const DEFAULT_RANGE = 28_232

for (const { title, files = 1_048_576, used = 0, inUse, total = DEFAULT_RANGE, processes = 1, expected } of [
  { title: 'descriptors decide: half of them', files: 1000, inUse: 10, expected: 500 },
  { title: 'there is a most in any case', inUse: 10, expected: 16_384 },
  { title: 'ports decide, and an eighth stays free', total: 200, inUse: 5, expected: 170 },
  { title: 'several processes take a part each of what is free', inUse: 703, processes: 4, expected: 6000 },
  {
    title: 'a process that has flows may have its part besides',
    used: 6000,
    inUse: 6703,
    processes: 4,
    expected: 10_500,
  },
  { title: 'other programs have taken the rest: no more than now', used: 100, total: 200, inUse: 190, expected: 100 },
  { title: 'one flow is tried in any case', total: 200, inUse: 200, expected: 1 },
  { title: 'the kernel does not say', files: 1000, inUse: undefined, expected: 500 },
])
  t.equal(flowCapacity(files, used, inUse === undefined ? undefined : { total, inUse }, processes), expected, title)

t.test('processes that look in turn never have more than the ports, and share them', t => {
  const [processes, total] = [4, 1000]
  const used = Array<number>(processes).fill(0)
  const inUse = () => used.reduce((sum, count) => sum + count, 0)
  for (let look = 0; look < 50; look++)
    for (let n = 0; n < processes; n++) used[n] = flowCapacity(100_000, used[n]!, { total, inUse: inUse() }, processes)
  t.ok(inUse() <= 875 && inUse() > 860, `${inUse()} in all`)
  t.ok(Math.min(...used) > 100, used.join(' '))
  t.end()
})
