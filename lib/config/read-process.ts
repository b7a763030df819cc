import { parseInteger } from '../primitives/parse-integer.js'
import { type KubeProxyConfig, LOG_FORMATS, ON_EXIT } from './kube-proxy-config.js'
import { type SettingReader } from './setting-reader.js'

/** OOM_SCORE_ADJ_MAX of the kernel. */
const MAX_OOM_SCORE = 1000
/** More worker processes do not make the proxy faster. */
const MAX_WORKERS = 64

/** The settings of the process, its log and its end. */
export type ProcessConfig = Pick<
  KubeProxyConfig,
  'drainTimeout' | 'dataPlaneWorkers' | 'oomScoreAdj' | 'onExit' | 'verbosity' | 'logFormat'
>

/** Reads the settings of the process, its log and its end. */
export function readProcess(reader: SettingReader): ProcessConfig {
  return {
    drainTimeout: reader.readDuration('drain-timeout', 'non-negative'),
    dataPlaneWorkers: readDataPlaneWorkers(reader),
    oomScoreAdj: readOomScore(reader),
    onExit: reader.readChoice('on-exit', ON_EXIT),
    verbosity: readVerbosity(reader),
    logFormat: reader.readChoice('logging-format', LOG_FORMATS, reader.readTextOrDefault('logging-format')),
  }
}

/** The number of worker processes. */
function readDataPlaneWorkers(reader: SettingReader): number | 'auto' {
  const text = reader.readText('data-plane-workers')
  if (text === 'auto') return text
  const count = parseInteger(text) ?? -1
  if (count < 0) reader.addProblem('data-plane-workers', 'expected a whole number of at least 0, or auto')
  else if (count > MAX_WORKERS) reader.addProblem('data-plane-workers', `must be at most ${MAX_WORKERS}`)
  return count
}

/** A value for `/proc/self/oom_score_adj`, with the limits of the kernel. */
function readOomScore(reader: SettingReader): number {
  const text = reader.readText('oom-score-adj')
  const score = Number(text)
  if (!/^-?\d+$/.test(text) || Math.abs(score) > MAX_OOM_SCORE)
    reader.addProblem('oom-score-adj', `expected a whole number from -${MAX_OOM_SCORE} to ${MAX_OOM_SCORE}`)
  return score
}

/** The verbosity of the log. */
function readVerbosity(reader: SettingReader): number {
  const text = reader.readText('v')
  if (!/^\d{1,3}$/.test(text)) reader.addProblem('v', 'expected a whole number of at least 0')
  return Number(text)
}
