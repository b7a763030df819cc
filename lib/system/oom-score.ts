import { messageOf, systemCode } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type KernelFiles, kernelFiles } from './kernel-files.js'

const OOM_SCORE_FILE = '/proc/self/oom_score_adj'

/**
 * Sets how early the kernel may end this process when memory runs out; -1000 is never. Processes that this one starts
 * later have the same value. A failure is a warning, as in kube-proxy: the proxy serves without it.
 */
export function applyOomScore(score: number, log: Log, files: KernelFiles = kernelFiles): void {
  try {
    files.write(OOM_SCORE_FILE, score)
  } catch (error) {
    log.warn('Cannot set oom_score_adj; when memory runs out, the kernel may end this process first', {
      value: score,
      reason: systemCode(error) ?? messageOf(error),
      hint: 'A lower value needs CAP_SYS_RESOURCE; --oom-score-adj=0 keeps the value of most processes',
    })
  }
}
