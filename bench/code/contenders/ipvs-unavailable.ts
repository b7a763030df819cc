import { spawnSync } from 'node:child_process'

/** The reason why IPVS is not available; undefined if it is. Checked in a separate network namespace. */
export function ipvsUnavailable(): string | undefined {
  const { status, stderr, error } = spawnSync('unshare', ['--net', 'ipvsadm', '-L', '-n'], { encoding: 'utf8' })
  if (error !== undefined) return `ipvsadm cannot be run: ${error.message}`
  return status === 0 ? undefined : `this kernel has no IPVS: ${stderr.trim().split('\n').at(-1)}`
}
