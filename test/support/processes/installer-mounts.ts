import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type Mount } from '../image/container.js'
import { followLinks } from '../image/follow-links.js'
import { type Installer } from './installed-proxy.js'

/** Files that programs write to; the installers name no others. */
const WRITTEN_FILE = /\.(lock|log)$/

/** A path in the container of an installer, and what must be there. */
export interface InstallerMount extends Mount {
  readonly readOnly: boolean
  readonly kind: 'file' | 'folder'
  /** Files of a folder with their texts. Those of a ConfigMap are links, which the kubelet replaces all at once. */
  readonly files: Readonly<Record<string, string>>
}

/**
 * What an installer mounts, as the kubelet makes it: a folder with its files is a ConfigMap volume; a file comes from the node; other
 * folders of the node are empty ones here.
 * @param root the files of the installer, from `writeInstallerFiles`
 */
export function makeInstallerMounts(t: Test, { mounts = [] }: Installer, root: string): readonly InstallerMount[] {
  const volumes = mkdtempSync(join(tmpdir(), 'mounts-'))
  t.teardown(() => rmSync(volumes, { recursive: true }))
  // In a list of YAML, a comma between parentheses ends an item too.
  const texts = mounts.join(', ').split(/, (?=\/)/)
  return texts
    .filter(text => text !== '')
    .map((text, index) => {
      const [, path, words = ''] = /^(\S+?)\/?(?: \((.*)\))?$/.exec(text)!
      const own = join(root, path!)
      const source = join(volumes, String(index))
      const target = followLinks(path!)
      const readOnly = words.includes('read-only') || words.includes('ConfigMap')
      if (WRITTEN_FILE.test(path!)) {
        writeFileSync(source, '')
        return { source, target, readOnly, kind: 'file', files: {} }
      }
      if (existsSync(own) && !isFolder(own)) return { source: own, target, readOnly, kind: 'file', files: {} }
      mkdirSync(source)
      const files = existsSync(own) ? readFiles(own) : {}
      if (Object.keys(files).length > 0) writeConfigMap(source, files)
      return { source, target, readOnly: readOnly || Object.keys(files).length > 0, kind: 'folder', files }
    })
}

/** Folders with files that no mount has: installers whose description does not name their mounts. */
export function mountOtherFiles(root: string, mounts: readonly Mount[]): readonly Mount[] {
  const folders = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => entry.parentPath)
  return [...new Set(folders)]
    .map(source => ({ source, target: followLinks(source.slice(root.length)), readOnly: true }))
    .filter(
      ({ source, target }) => !mounts.some(mount => isBelow(target, mount.target) || isBelow(mount.source, source)),
    )
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}

/** As the kubelet does it: files are links to a folder, which is a link itself, so that it can replace all of them at once. */
function writeConfigMap(folder: string, files: Readonly<Record<string, string>>): void {
  const version = '..2026_01_01'
  mkdirSync(join(folder, version))
  symlinkSync(version, join(folder, '..data'))
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, version, name), text)
    symlinkSync(join('..data', name), join(folder, name))
  }
}

function readFiles(folder: string): Record<string, string> {
  const names = readdirSync(folder, { withFileTypes: true }).filter(entry => entry.isFile())
  return Object.fromEntries(names.map(({ name }) => [name, readFileSync(join(folder, name), 'utf8')]))
}

function isFolder(path: string): boolean {
  return statSync(path).isDirectory()
}
