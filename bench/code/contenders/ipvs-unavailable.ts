import { spawnSync } from 'node:child_process'

/** Why there is no IPVS here; undefined when there is. Asked in a network namespace that nobody else has. */
export function ipvsUnavailable(): string | undefined {
  const { status, stderr, error } = spawnSync('unshare', ['--net', 'ipvsadm', '-L', '-n'], { encoding: 'utf8' })
  if (error !== undefined) return `ipvsadm cannot be run: ${error.message}`
  return status === 0 ? undefined : `this kernel has no IPVS: ${stderr.trim().split('\n').at(-1)}`
}
