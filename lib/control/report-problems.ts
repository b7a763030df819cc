import { type EventSink } from '../model/event-sink.js'
import { type Log } from '../model/log.js'
import { type ObjectProblems } from '../snapshot/problem-reporter.js'

/**
 * Tells of wrong fields of an object: in the log all of them, as events on the Service those that somebody must know of to
 * understand what is served: all of the Service's own, and addresses of the wrong family (as kube-proxy 1.20).
 */
export function reportProblems(objectProblems: ObjectProblems, log: Log, events: EventSink): void {
  const { kind, name, problems, wrongFamily, service } = objectProblems
  for (const problem of [...problems, ...wrongFamily])
    log.warn('Object with a field that cannot be used', { kind, name, problem })
  if (service === undefined) return
  const recordEvent = (reason: string, problem: string): void =>
    events.record({
      type: 'Warning',
      reason,
      action: 'ReadObject',
      note: `cannot use a field of ${kind} ${name}: ${problem}`,
      regarding: { kind: 'Service', ...service },
    })
  if (kind === 'Service') for (const problem of problems) recordEvent('InvalidField', problem)
  for (const problem of wrongFamily) recordEvent('KubeProxyIncorrectIPVersion', problem)
}
