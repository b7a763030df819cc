import { type RunLine } from '../../../demo-page/demo-document.js'

/** What the doctor has looked at. */
export type LookedAt = Pick<Extract<RunLine, { readonly kind: 'report' }>['report']['fine'][number], 'code' | 'title'>

/** Texts of the view of the doctor. */
export const DOCTOR_VIEW = {
  title: 'Doctor',
  about: 'What is wrong with a Service, with proof and what to do.',
  examine: (service: string, client: string | null) =>
    client === null ? `Examine ${service}` : `Examine ${service} for ${client}`,
  verdict: { healthy: 'healthy', findings: 'something is wrong', unknown: 'not everything could be looked at' },
  proof: 'Proof',
  fix: 'What to do',
  remarks: 'To be considered',
  fine: 'Checked and fine',
  unseen: 'Not looked at',
  titleOf: ({ title }: LookedAt) => title,
  command: 'Command',
  elsewhere: 'The page only reads. The doctor also probes endpoints and reads the kernel: run it on the node.',
}
