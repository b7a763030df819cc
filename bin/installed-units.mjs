import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Where packages put units. */
const PACKAGE_FOLDERS = ['usr/lib/systemd/system', 'lib/systemd/system']
/** Where an operator puts units; a unit there hides the one of a package with the same name. */
const OPERATOR_FOLDERS = ['etc/systemd/system', 'run/systemd/system']
/** What can be enabled, and what starts a service. A unit with @ is a template: only its instances can be enabled. */
const UNIT = /^[^@]+\.(service|socket|timer|path)$/

/**
 * Collects the names of the units that packages bring in several attempts to install some. Between two attempts another program can
 * bring units, too: those are not collected.
 */
export function collectNewUnits(root = '/') {
  const names = new Set()
  return {
    names,
    /** Call it before an attempt, and the function that it returns afterwards. */
    watch() {
      const before = listInstalledUnits(root)
      return () => {
        for (const name of listInstalledUnits(root)) if (!before.includes(name)) names.add(name)
      }
    },
  }
}

/**
 * Lets units that packages have brought not start with the machine. A unit of the operator stays as it is: `systemctl disable` would take
 * that one, not the one of the package.
 */
export function disableUnits(names, root = '/') {
  const units = [...names].filter(name => !isOfOperator(name, root))
  if (units.length > 0) spawnSync('systemctl', [`--root=${root}`, 'disable', ...units])
}

function listInstalledUnits(root) {
  const names = PACKAGE_FOLDERS.map(folder => join(root, folder))
    .filter(folder => existsSync(folder))
    .flatMap(folder => readdirSync(folder))
  return [...new Set(names)].filter(name => UNIT.test(name))
}

/** A link to nothing counts, too: it masks the unit. */
function isOfOperator(name, root) {
  return OPERATOR_FOLDERS.some(folder => lstatSync(join(root, folder, name), { throwIfNoEntry: false }) !== undefined)
}
