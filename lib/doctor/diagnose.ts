import { objectKey } from '../model/objects.js'
import { type CheckResult } from './check.js'
import { CHECKS } from './checks.js'
import { type DoctorFacts } from './doctor-facts.js'
import { type DoctorFinding, type DoctorReport, REPORT_VERSION } from './doctor-report.js'

/** With this one, no other finding is about anything. */
const ENDS_ALL = 'no-such-service'

/** What is wrong with a Service, by what is known of it. */
export function diagnose(facts: DoctorFacts, version: string): DoctorReport {
  const results = CHECKS.map(check => ({ ...check, result: check.look(facts) }))
  const isFound = (code: string): boolean =>
    results.some(({ code: each, result }) => each === code && result.kind === 'finding' && result.isPartial !== true)
  const ends = isFound(ENDS_ALL)
  const counted = results.filter(({ code, follows = [] }) => (!ends || code === ENDS_ALL) && !follows.some(isFound))
  const ofKind = <Kind extends CheckResult['kind']>(kind: Kind) =>
    counted.flatMap(({ code, title, isEssential = false, result }) =>
      result.kind === kind ? [{ code, title, isEssential, result: result as CheckResult & { kind: Kind } }] : [],
    )
  const found = ofKind('finding')
  const isPartial = ({ result }: (typeof found)[number]): boolean => result.isPartial === true
  // The sort is stable: the likeliest stay first.
  const ranked = [...found.filter(each => !isPartial(each)), ...found.filter(isPartial)]
  const findings = ranked.map(({ code, title, result: { verdict, proof, fix } }) => ({
    ...{ code, title, verdict, proof, fix },
  }))
  const unseen = ofKind('unseen')
  const isBlind = unseen.some(({ isEssential, result }) => isEssential || result.isEssential === true)
  const verdict = findings.length > 0 ? 'findings' : isBlind ? 'unknown' : 'healthy'
  const service = objectKey(facts.name)
  return {
    ...{ apiVersion: REPORT_VERSION, version, service, verdict },
    summary: summaryOf(service, findings, verdict),
    findings,
    remarks: ofKind('remark').map(({ code, title, result: { text } }) => ({ code, title, text })),
    fine: ofKind('fine').map(({ code, title, result: { text } }) => ({ code, title, text })),
    unseen: unseen.map(({ code, title, result: { why } }) => ({ code, title, text: why })),
    notes: facts.kernel.isSeen ? facts.kernel.value.notes : [],
  }
}

function summaryOf(service: string, findings: readonly DoctorFinding[], verdict: DoctorReport['verdict']): string {
  const [first] = findings
  if (first !== undefined) {
    const more = findings.length === 1 ? '' : ` (the likeliest of ${findings.length} findings)`
    return `Service ${service}: ${first.verdict}${more}`
  }
  return verdict === 'healthy'
    ? `Service ${service} is healthy, as seen from this node`
    : `Service ${service}: nothing wrong is known, but not everything could be looked at`
}
