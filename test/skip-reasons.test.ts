import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

/** The names that .ci/run looks for in the reasons of skipped tests: with these variables set, it runs such tests again. */
const NAMES = /# SKIP \.\*(\([^)]+\))/.exec(readFileSync('.ci/run', 'utf8'))![1]!

/** What a module of test/support says about a program that tests need. It looks for it when it is loaded. @param path the whole PATH */
function reasonOf(module: string, expression: string, path: string): string {
  const url = new URL(`./support/${module}.js`, import.meta.url).href
  const program = `import('${url}').then(module => process.stdout.write(String(module.${expression})))`
  return execFileSync(process.execPath, ['-e', program], { encoding: 'utf8', env: { PATH: path } })
}

t.test(
  'a test that lacks the real API server, its kubectl or the original kube-proxy is one that .ci/run repeats',
  t => {
    const empty = t.testdir({})
    t.match(NAMES, /KUBEBUILDER_ASSETS/)
    for (const [module, expression] of [
      ['api/real-api-server', 'realApiServerUnavailable()'],
      ['deploy/kubectl', 'kubectlUnavailable'],
      ['processes/original-kube-proxy', 'originalUnavailable'],
    ] as const)
      t.match(reasonOf(module, expression, empty), RegExp(NAMES), module)
    t.end()
  },
)

t.test('so is one for which the kubectl of the distribution is too old', t => {
  const folder = t.testdir({})
  for (const [minor, reason] of [
    ['20+', RegExp(`too old.*${NAMES}`)],
    ['21', /^false$/],
  ] as const) {
    const version = JSON.stringify({ clientVersion: { major: '1', minor } })
    writeFileSync(join(folder, 'kubectl'), `#!/bin/sh\necho '${version}'\n`, { mode: 0o755 })
    t.match(reasonOf('deploy/kubectl', 'kubectlUnavailable', folder), reason, `1.${minor}`)
  }
  t.end()
})
