import t, { type Test } from 'tap'
import { type Emulation } from '../support/image/emulator.js'
import { runInRoot } from '../support/image/container.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'

/** The mounts of /sys in a container with the programs of this machine, and which of them it may write to. */
async function mountsOfSys(
  t: Test,
  emulation: Emulation,
): Promise<{ readonly all: number; readonly writable: readonly string[] }> {
  const root = t.testdir(
    Object.fromEntries(['bin', 'sbin', 'lib', 'lib64'].map(name => [name, t.fixture('symlink', `usr/${name}`)])),
  )
  const mounts = [{ source: '/usr', target: '/usr' }]
  const text = await runInRoot({ lower: [], upper: root, mounts, command: ['cat', '/proc/mounts'], emulation })
  const found = text
    .split('\n')
    .map(line => line.split(' '))
    .filter(([, path]) => path === '/sys' || path?.startsWith('/sys/') === true)
  const writable = found.filter(([, , , options]) => !options!.split(',').includes('ro'))
  return { all: found.length, writable: writable.map(([, path]) => path!) }
}

t.test('a container has a /sys of its own, which is read-only', { skip: namespacesUnavailable }, async t => {
  t.strictSame(await mountsOfSys(t, []), { all: 1, writable: [] })
})

t.test(
  'a container in a user namespace has the /sys of this machine, read-only with all mounts in it',
  { skip: namespacesUnavailable },
  async t => {
    const { all, writable } = await mountsOfSys(t, ['unshare', '--user', '--map-root-user'])
    t.ok(all > 0, `${all} mounts`)
    t.strictSame(writable, [])
  },
)
