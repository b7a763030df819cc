import t from 'tap'
import { readObjectList, readWatchLine } from '../../lib/source/watch-event.js'

t.test('each kind of watch line is recognized', test => {
  const object = { metadata: { name: 'a', resourceVersion: '7' } }
  const status = (code: number, reason: string) => ({ kind: 'Status', code, reason, message: 'why' })
  const cases: [line: string | object, expected: object][] = [
    [
      { type: 'ADDED', object },
      { type: 'put', object, version: '7' },
    ],
    [
      { type: 'MODIFIED', object },
      { type: 'put', object, version: '7' },
    ],
    [
      { type: 'DELETED', object },
      { type: 'remove', object, version: '7' },
    ],
    [
      { type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } },
      { type: 'bookmark', version: '9' },
    ],
    [
      { type: 'ERROR', object: status(410, 'Expired') },
      { type: 'expired', message: 'why' },
    ],
    [
      { type: 'ERROR', object: status(500, 'InternalError') },
      { type: 'error', message: 'why' },
    ],
    [
      { type: 'LATER', object },
      { type: 'unknown', name: 'LATER' },
    ],
    [{ type: 'ADDED' }, { type: 'unreadable' }],
    [{ type: 'ADDED', object: { metadata: { name: 'a' } } }, { type: 'unreadable' }],
    [{ type: 'ADDED', object: { metadata: { resourceVersion: '7' } } }, { type: 'unreadable' }],
    [{ type: 'ADDED', object: { metadata: { name: 'a', resourceVersion: 7 } } }, { type: 'unreadable' }],
    [{ type: 'BOOKMARK', object: {} }, { type: 'unreadable' }],
    [{ type: 'ERROR' }, { type: 'error' }],
    ['null', { type: 'unreadable' }],
    ['17', { type: 'unreadable' }],
    ['[]', { type: 'unreadable' }],
    ['{"type":"ADDED"', { type: 'unreadable' }],
    ['\u202e{}', { type: 'unreadable', problem: /^[^\u202e]*\\u202e[^\u202e]*$/ }],
  ]
  for (const [line, expected] of cases) {
    const text = typeof line === 'string' ? line : JSON.stringify(line)
    test.match(readWatchLine(text), expected, text)
  }
  test.end()
})

t.test('lists are recognized, including the null that Go prints for an empty list', test => {
  const metadata = { resourceVersion: '5' }
  test.same(readObjectList({ metadata, items: [1] }), { items: [1], version: '5' })
  test.same(readObjectList({ metadata, items: null }), { items: [], version: '5' })
  test.same(readObjectList({ metadata }), { items: [], version: '5' })
  for (const wrong of [
    null,
    'text',
    {},
    { items: [] },
    { metadata, items: {} },
    { metadata: { resourceVersion: '' } },
  ]) {
    test.equal(readObjectList(wrong), undefined, JSON.stringify(wrong))
  }
  test.end()
})
