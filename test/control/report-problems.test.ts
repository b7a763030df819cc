import t from 'tap'
import { reportProblems } from '../../lib/control/report-problems.js'
import { RecordingLog } from '../support/log/recording-log.js'

/** The reasons of the events about an object with two invalid fields, one of them an address of the wrong IP family. */
function eventReasons(log: RecordingLog, object: Partial<Parameters<typeof reportProblems>[0]>): string[] {
  const reasons: string[] = []
  const problems = { problems: ['a'], wrongFamily: ['b'] }
  const named = { kind: 'Service', name: 'default/web', service: undefined, ...problems, ...object } as const
  reportProblems(named, log, { record: ({ reason }) => void reasons.push(reason) })
  return reasons
}

t.test('every invalid field is logged', t => {
  const log = new RecordingLog()
  eventReasons(log, {})
  const fields = { kind: 'Service', name: 'default/web' }
  t.match(log.entries, [
    { severity: 'warn', message: 'Ignored an invalid field of an object', fields: { ...fields, problem: 'a' } },
    { severity: 'warn', fields: { ...fields, problem: 'b' } },
  ])
  t.equal(log.entries.length, 2)
  t.end()
})

t.test('events are recorded for the invalid fields that affect what a Service serves', t => {
  const service = { namespace: 'default', name: 'web' }
  for (const [name, object, reasons] of [
    ['a Service', { service }, ['InvalidField', 'KubeProxyIncorrectIPVersion']],
    ['an EndpointSlice', { service, kind: 'EndpointSlice' }, ['KubeProxyIncorrectIPVersion']],
    ['an object that belongs to no known Service', {}, []],
  ] as const)
    t.strictSame(eventReasons(new RecordingLog(), object), reasons, name)
  t.end()
})
