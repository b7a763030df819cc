import { spawnSync } from 'node:child_process'
import { lstatSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import t from 'tap'

const { collectNewUnits, disableUnits } = (await import(resolve('bin/installed-units.mjs'))) as {
  readonly collectNewUnits: (root: string) => { readonly names: ReadonlySet<string>; readonly watch: () => () => void }
  readonly disableUnits: (names: Iterable<string>, root: string) => void
}

const systemctlUnavailable = spawnSync('systemctl', ['--version']).status === 0 ? false : 'systemctl is not installed'
const UNIT = '[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n'

t.test(
  'units that packages bring do not start with the machine; all others stay as they are',
  { skip: systemctlUnavailable },
  t => {
    const root = mkdtempSync(join(tmpdir(), 'units-'))
    t.teardown(() => rmSync(root, { recursive: true }))
    const addUnit = (folder: string, name: string): void => {
      const path = join(root, folder, name)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, UNIT)
    }
    const enable = (...names: readonly string[]): void => {
      const { status, stderr } = spawnSync('systemctl', [`--root=${root}`, 'enable', ...names], { encoding: 'utf8' })
      t.equal(status, 0, stderr)
    }
    const isEnabled = (name: string): boolean => exists(join(root, 'etc/systemd/system/multi-user.target.wants', name))
    addUnit('usr/lib/systemd/system', 'earlier.service')
    addUnit('etc/systemd/system', 'operator.service')
    addUnit('etc/systemd/system', 'hidden.service')
    addUnit('run/systemd/system', 'transient.service')
    enable('earlier.service', 'operator.service', 'hidden.service')
    const units = collectNewUnits(root)
    const finish = units.watch()
    const brought = ['new.service', 'new.timer', 'new.socket', 'hidden.service', 'transient.service']
    for (const name of brought) addUnit('usr/lib/systemd/system', name)
    addUnit('usr/lib/systemd/system', 'template@.service')
    enable('new.service', 'new.timer', 'new.socket')
    finish()
    addUnit('usr/lib/systemd/system', 'meanwhile.service')
    enable('meanwhile.service')
    units.watch()()
    t.same([...units.names].sort(), [...brought].sort())
    disableUnits(units.names, root)
    for (const name of ['new.service', 'new.timer', 'new.socket']) t.notOk(isEnabled(name), `${name} is disabled`)
    for (const name of ['earlier.service', 'operator.service', 'hidden.service', 'meanwhile.service'])
      t.ok(isEnabled(name), `${name} is enabled`)
    t.end()
  },
)

/** Whether there is a file or a link, also one that leads out of the folder of this test. */
function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}
