import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

let demoCount = 0
const temporaryFolder = mkdtempSync(join(tmpdir(), 'demos-'))
process.on('exit', () => rmSync(temporaryFolder, { recursive: true, force: true }))

/** Gives each demo its own names and folder, so that several demos can run at the same time. `left` lists what one has left. */
export function isolatedDemo(): { env: NodeJS.ProcessEnv; left: () => string } {
  const prefix = `kpd${process.pid}-${demoCount++}-`
  const folder = join(temporaryFolder, prefix)
  mkdirSync(folder)
  // Some demos run as an ordinary user.
  for (const path of [temporaryFolder, folder]) chmodSync(path, 0o1777)
  return {
    // Beside the folder, which has to be empty at the end.
    env: {
      ...process.env,
      XDG_STATE_HOME: `${folder}state`,
      KUBE_PROXY_DEMO_PREFIX: prefix,
      TMPDIR: folder,
      FORCE_COLOR: undefined,
    },
    left: () =>
      execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })
        .split('\n')
        .filter(name => name.startsWith(prefix))
        .concat(readdirSync(folder))
        .join(' '),
  }
}
