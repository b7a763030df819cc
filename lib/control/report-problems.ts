import { type EventSink } from '../model/event-sink.js'
import { type Log } from '../model/log.js'
import { type ObjectProblems } from '../snapshot/problem-reporter.js'

/**
 * Logs the invalid fields of an object. It also records events on the Service for the fields that affect what is served: those of
 * the Service itself, and addresses of the wrong IP family (as in kube-proxy 1.20).
 */
export function reportProblems(objectProblems: ObjectProblems, log: Log, events: EventSink): void {
  const { kind, name, problems, wrongFamily, service } = objectProblems
  for (const problem of [...problems, ...wrongFamily])
    log.warn('Ignored an invalid field of an object', { kind, name, problem })
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
