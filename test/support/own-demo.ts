import { execFileSync } from 'node:child_process'

let demos = 0

/** Names of its own for each demo, so that one that somebody looks at meanwhile is not in the way. */
export function ownDemo(): { env: NodeJS.ProcessEnv; left: () => string } {
  const prefix = `kpd${process.pid}-${demos++}-`
  return {
    env: { ...process.env, KUBE_PROXY_DEMO_PREFIX: prefix, FORCE_COLOR: undefined },
    left: () =>
      execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })
        .split('\n')
        .filter(name => name.startsWith(prefix))
        .join(' '),
  }
}
