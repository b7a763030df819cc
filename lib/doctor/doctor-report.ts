import { type FindingCode } from './check.js'

/** The version of the JSON form. A field may be added to it; none is removed or changes its meaning. */
export const REPORT_VERSION = 'doctor.kube-proxy-node/v1'

/** One thing that is wrong. */
export interface DoctorFinding {
  readonly code: FindingCode
  readonly title: string
  readonly verdict: string
  readonly proof: readonly string[]
  readonly fix: readonly string[]
}

/** One thing that is fine, that is worth knowing, or that could not be looked at. */
export interface DoctorRemark {
  /** What it would be a finding of. */
  readonly code: FindingCode
  readonly title: string
  readonly text: string
}

/** What the doctor has found, for people and programs. */
export interface DoctorReport {
  readonly apiVersion: typeof REPORT_VERSION
  /** The version of the program. */
  readonly version: string
  /** `namespace/name` */
  readonly service: string
  /** `unknown`: nothing wrong is known, and something that matters could not be looked at. */
  readonly verdict: 'healthy' | 'findings' | 'unknown'
  readonly summary: string
  /** The likeliest first. */
  readonly findings: readonly DoctorFinding[]
  /** What may be meant to be so: no faults. */
  readonly remarks: readonly DoctorRemark[]
  readonly fine: readonly DoctorRemark[]
  readonly unseen: readonly DoctorRemark[]
  readonly notes: readonly string[]
}
