import t from 'tap'
import { EventReader } from '../../lib/status/event-reader.js'

t.test('events are put together however the stream is cut', t => {
  const stream = 'event: a\ndata: {"x":1}\n\n: a comment\n\nevent: b\ndata: []\n\nevent: c\ndata: 2\n'
  const events = [
    { name: 'a', data: { x: 1 } },
    { name: 'b', data: [] },
  ]
  for (let size = 1; size <= stream.length; size++) {
    const reader = new EventReader()
    const seen: unknown[] = []
    for (let start = 0; start < stream.length; start += size)
      seen.push(...reader.take(stream.slice(start, start + size)))
    t.strictSame(seen, events, `pieces of ${size}`)
  }
  t.throws(() => new EventReader().take('event: a\ndata: hello\n\n'), SyntaxError)
  t.end()
})
