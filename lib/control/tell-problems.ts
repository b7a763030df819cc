import { type EventSink } from '../model/event-sink.js'
import { type Log } from '../model/log.js'
import { type ObjectProblems } from '../snapshot/told-problems.js'

/**
 * Tells of wrong fields of an object: in the log all of them, as events on the Service those that somebody must know of to
 * understand what is served: all of the Service's own, and endpoints of the wrong family (as kube-proxy 1.20).
 */
export function tellProblems(
  { kind, name, problems, wrongFamily, service }: ObjectProblems,
  log: Log,
  events: EventSink,
): void {
  for (const problem of problems) log.warn('Object with a field that cannot be used', { kind, name, problem })
  if (service === undefined) return
  for (const problem of kind === 'Service' ? problems : wrongFamily)
    events.event({
      type: 'Warning',
      reason: wrongFamily.includes(problem) ? 'KubeProxyIncorrectIPVersion' : 'InvalidField',
      action: 'ReadObject',
      note: `cannot use a field of ${kind} ${name}: ${problem}`,
      regarding: { kind: 'Service', ...service },
    })
}
