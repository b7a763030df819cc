import t from 'tap'
import { ConnectionLimit } from '../../lib/balancer/connection-limit.js'

t.test('at a limit new clients are refused until a connection ends', t => {
  /** `+x` client x connects: `.` admitted, `s` limit of the Service, `c` limit of the client; `-x` one of x ends; a list sets the limits. */
  type Step = string | readonly [perService: number | undefined, perClient: number | undefined]
  const table: readonly { name: string; steps: readonly Step[]; answers: string }[] = [
    { name: 'no limit', steps: [[undefined, undefined], '+x', '+x', '+x'], answers: '...' },
    { name: 'so many of all clients together', steps: [[2, undefined], '+x', '+y', '+z', '+x'], answers: '..ss' },
    { name: 'one goes, one may come', steps: [[2, undefined], '+x', '+y', '+z', '-x', '+z', '+z'], answers: '..s.s' },
    { name: 'so many of each client', steps: [[undefined, 2], '+x', '+x', '+x', '+y', '+y', '+y'], answers: '..c..c' },
    {
      name: 'one of the client goes',
      steps: [[undefined, 1], '+x', '+x', '+y', '-y', '+x', '-x', '+x'],
      answers: '.c.c.',
    },
    { name: 'both limits', steps: [[3, 2], '+x', '+x', '+x', '+y', '+z'], answers: '..c.s' },
    { name: 'with both reached the client is to blame', steps: [[2, 2], '+x', '+x', '+x'], answers: '..c' },
    {
      name: 'a lower limit keeps who is there',
      steps: [[3, undefined], '+x', '+x', '+x', [1, undefined], '+x', '-x', '-x', '+x', '-x', '+x'],
      answers: '...ss.',
    },
    { name: 'a higher limit counts at once', steps: [[1, 1], '+x', '+x', [2, 2], '+x', '+y'], answers: '.c.s' },
    {
      name: 'a limit for clients counts who was there before',
      steps: [[9, undefined], '+x', '+x', [9, 2], '+x', '+y'],
      answers: '..c.',
    },
    { name: 'who was never let in is not missed', steps: [[1, undefined], '-x', '-x', '+x', '+x'], answers: '.s' },
  ]
  for (const { name, steps, answers } of table) {
    const limit = new ConnectionLimit({ perService: undefined, perClient: undefined })
    let outcomes = ''
    for (const step of steps) {
      if (typeof step !== 'string') limit.limits = { perService: step[0], perClient: step[1] }
      else if (step.startsWith('-')) limit.remove(step.slice(1))
      else {
        const reached = limit.check(step.slice(1))
        if (reached === undefined) limit.add(step.slice(1))
        outcomes += reached === undefined ? '.' : reached.charAt(0)
      }
    }
    t.equal(outcomes, answers, name)
  }
  t.end()
})
