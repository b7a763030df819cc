import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The folder of this user for what tests download or make once. It exists after this call. */
export function cacheFolder(): string {
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'kube-proxy-node')
  mkdirSync(folder, { recursive: true })
  return folder
}
