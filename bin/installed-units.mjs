import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Where packages put units. */
const PACKAGE_FOLDERS = ['usr/lib/systemd/system', 'lib/systemd/system']
/** Where an operator puts units; a unit there hides the one of a package with the same name. */
const OPERATOR_FOLDERS = ['etc/systemd/system', 'run/systemd/system']
/** What can be enabled, and what starts a service. A unit with @ is a template: only its instances can be enabled. */
const UNIT = /^[^@]+\.(service|socket|timer|path)$/

/** @returns the names of the units that packages have installed */
export function listInstalledUnits(root = '/') {
  const names = PACKAGE_FOLDERS.map(folder => join(root, folder))
    .filter(folder => existsSync(folder))
    .flatMap(folder => readdirSync(folder))
  return [...new Set(names)].filter(name => UNIT.test(name))
}

/**
 * Lets no unit start with the machine that a package has brought since `before` was listed. A unit of the operator stays as it is:
 * `systemctl disable` would take that one, not the one of the package.
 */
export function disableNewUnits(before, root = '/') {
  const units = listInstalledUnits(root).filter(name => !before.includes(name) && !isOfOperator(name, root))
  if (units.length > 0) spawnSync('systemctl', [`--root=${root}`, 'disable', ...units])
}

/** A link to nothing counts, too: it masks the unit. */
function isOfOperator(name, root) {
  return OPERATOR_FOLDERS.some(folder => lstatSync(join(root, folder, name), { throwIfNoEntry: false }) !== undefined)
}
