import { readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'

/**
 * Files of modules of the kernel, each after those that it needs.
 * @param folder has the modules, in folders of any depth
 * @param wanted their names; one that has no file is a part of the kernel
 */
export function moduleOrder(folder: string, wanted: readonly string[]): readonly string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ko'))
  const byName = new Map(files.map(file => [withUnderscores(basename(file, '.ko')), join(folder, file)]))
  const order = new Set<string>()
  const add = (name: string): void => {
    const file = byName.get(withUnderscores(name))
    if (file === undefined || order.has(file)) return
    for (const needed of readNeeds(file)) add(needed)
    order.add(file)
  }
  for (const name of wanted) add(name)
  return [...order]
}

/** What a module says of itself in its section .modinfo: texts with a zero byte before and after each. */
function readNeeds(file: string): readonly string[] {
  const [, list = ''] = /\0depends=([^\0]*)\0/.exec(readFileSync(file, 'latin1')) ?? []
  return list.split(',').filter(name => name !== '')
}

/** Names of files and names in lists differ in this. */
function withUnderscores(name: string): string {
  return name.replaceAll('-', '_')
}
