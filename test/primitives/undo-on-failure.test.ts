import t from 'tap'
import { undoOnFailure } from '../../lib/primitives/undo-on-failure.js'

t.test('an action that succeeds gives its result, and nothing is undone', async t => {
  const undone: string[] = []
  const result = await undoOnFailure(onFailure => {
    onFailure(() => undone.push('step'))
    return Promise.resolve('done')
  })
  t.equal(result, 'done')
  t.strictSame(undone, [])
})

t.test('an action that fails undoes its steps, the last one first and one at a time, and fails as before', async t => {
  const undone: string[] = []
  const failure = new Error('third step')
  const action = undoOnFailure(onFailure => {
    onFailure(() => undone.push('first'))
    onFailure(async () => {
      await Promise.resolve()
      undone.push('second')
    })
    return Promise.reject(failure)
  })
  await t.rejects(action, failure)
  t.strictSame(undone, ['second', 'first'])
})

t.test('a step that cannot be undone does not hide the failure, and the others are undone', async t => {
  const undone: string[] = []
  const action = undoOnFailure(onFailure => {
    onFailure(() => undone.push('first'))
    onFailure(() => Promise.reject(new Error('cannot undo')))
    onFailure(() => {
      throw new Error('cannot undo either')
    })
    throw new Error('the action')
  })
  await t.rejects(action, { message: 'the action' })
  t.strictSame(undone, ['first'])
})
