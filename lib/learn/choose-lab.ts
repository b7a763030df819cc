import { type Lab, type Ran } from '../ask/lab.js'
import { IPVS_RECORD } from './ipvs-record.js'
import { type Lesson } from './lesson.js'
import { recordedLab } from './recorded-lab.js'

/** Why a lesson cannot run on this node. */
export interface Lack {
  /** The mode that the node does not support. */
  readonly mode: string
  /** The check that says so. */
  readonly check: Ran
}

/** The cluster, or, for a mode that this node does not support, the record of the lesson and what the node lacks. */
export async function chooseLab({ mode }: Lesson, lab: Lab): Promise<{ readonly lab: Lab; readonly lack?: Lack }> {
  if (mode === undefined) return { lab }
  const check = await lab.check(mode)
  if (check.exitCode === 0) return { lab }
  return { lab: recordedLab(IPVS_RECORD), lack: { mode, check } }
}
