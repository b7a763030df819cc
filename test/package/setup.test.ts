import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { WITHOUT_TAP_LOADER, namespacesUnavailable } from '../support/nodes/node-network.js'

const PROGRAMS = ['apt-get', 'iptables', 'ip']
const missing = PROGRAMS.find(program => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0)
const skip = namespacesUnavailable || (missing === undefined ? false : `${missing} is not installed`)

/** Runs in a mount namespace: what is written to the folder of the policy is gone at its end. */
const SCRIPT = `set -e
mount -t tmpfs tmpfs memory
mkdir memory/upper memory/work
mount -t overlay -o "lowerdir=/usr/sbin,upperdir=$PWD/memory/upper,workdir=$PWD/memory/work" overlay /usr/sbin
printf '%s' "$POLICY" > /usr/sbin/policy-rc.d
"$0" bin/setup.mjs
[ ! -e /usr/sbin/policy-rc.d ] || cat /usr/sbin/policy-rc.d`

t.test('a setup with nothing to install removes the policy of a killed setup, and no other one', { skip }, t => {
  const folder = mkdtempSync(join(tmpdir(), 'setup-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  makeProject(folder)
  const policyAfterSetup = (policy: string): string => {
    const { stdout, stderr, status } = spawnSync(
      'env',
      [...WITHOUT_TAP_LOADER, 'unshare', '--mount', 'sh', '-c', SCRIPT, process.execPath],
      {
        cwd: folder,
        encoding: 'utf8',
        // Locks of its own: a program that installs packages on this machine must not disturb the test.
        env: { ...process.env, POLICY: policy, APT_CONFIG: join(folder, 'apt.conf') },
      },
    )
    t.equal(status, 0, stderr)
    return stdout
  }
  t.equal(policyAfterSetup('#!/bin/sh\n# written by the setup of kube-proxy-node\nexit 101\n'), '')
  const other = '#!/bin/sh\nexit 101\n'
  t.equal(policyAfterSetup(other), other)
  t.end()
})

/** A project without sources and dependencies, so that the setup has nothing to install. */
function makeProject(folder: string): void {
  cpSync('bin', join(folder, 'bin'), { recursive: true })
  const folders = ['lib', 'test', 'bench', 'memory', 'dpkg/updates', 'dpkg/info', 'apt/lists/partial']
  for (const name of [...folders, 'node_modules/typescript-native/bin', 'node_modules/esbuild', 'lib/page'])
    mkdirSync(join(folder, name), { recursive: true })
  for (const name of ['tsconfig.json', 'test/tsconfig.json', 'bench/tsconfig.json', 'dpkg/status'])
    writeFileSync(join(folder, name), '')
  writeFileSync(join(folder, 'node_modules/typescript-native/bin/tsc'), '')
  writeFileSync(
    join(folder, 'node_modules/esbuild/index.js'),
    'exports.buildSync = () => ({ metafile: { inputs: {} } })',
  )
  for (const name of ['index.html', 'icon.svg']) writeFileSync(join(folder, 'lib/page', name), '')
  cpSync('package-lock.json', join(folder, 'package-lock.json'))
  const digest = createHash('sha256').update(readFileSync('package-lock.json')).digest('hex')
  writeFileSync(join(folder, 'node_modules/.kube-proxy-setup'), digest)
  writeFileSync(
    join(folder, 'apt.conf'),
    `Dir::State "${folder}/apt";\nDir::State::status "${folder}/dpkg/status";\nDir::Cache "${folder}/cache";\nDir::Etc "${folder}/etc";\n`,
  )
}
