import { KUBE_PROXY_VERSION } from './program-metrics.js'
import { type Zpage } from './zpage.js'

/** What `statusz` shows. */
export interface ProgramStatus {
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly now: number
  /** The version of this program. */
  readonly version: string
  readonly nodeVersion: string
  /** All paths of the port. */
  readonly paths: Iterable<string>
}

/** The page `/statusz` of kube-proxy 1.36: when the program was started, and what it is. */
export function statusz({ startedAt, now, version, nodeVersion, paths }: ProgramStatus): Zpage {
  const { major, minor } = KUBE_PROXY_VERSION
  const emulationVersion = `${major}.${minor}`
  const folders = [...new Set([...paths].map(path => `/${path.split('/')[1]}`))].sort()
  const uptimeSeconds = Math.max(0, Math.floor((now - startedAt) / 1000))
  const startTime = new Date(startedAt).toISOString().replace(/\.\d+Z$/, 'Z')
  return {
    kind: 'Statusz',
    fields: {
      startTime,
      uptimeSeconds,
      // The field is required. This program has no Go in it.
      goVersion: '',
      nodeVersion,
      binaryVersion: version,
      emulationVersion,
      paths: folders,
    },
    text: [
      `Started: ${unixDate(startedAt)}`,
      `Up: ${formatUptime(uptimeSeconds)}`,
      `Node.js version: ${nodeVersion}`,
      `Binary version: ${version}`,
      `Emulation version: ${emulationVersion}`,
      `Paths: ${folders.join(' ')}`,
      '',
    ].join('\n'),
  }
}

/** `Wed Oct 16 21:03:43 UTC 2024` */
function unixDate(ms: number): string {
  const [weekday, day, month, year, time] = new Date(ms).toUTCString().replace(',', '').split(' ')
  return `${weekday} ${month} ${String(Number(day)).padStart(2)} ${time} UTC ${year}`
}

function formatUptime(seconds: number): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${Math.floor(seconds / 3600)} hr ${two(Math.floor(seconds / 60) % 60)} min ${two(seconds % 60)} sec`
}
