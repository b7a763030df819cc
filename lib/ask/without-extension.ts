import { readdir, rm, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ProxyFailure } from '../model/failure.js'
import { makeTemporaryFolder } from '../system/make-temporary-folder.js'
import { type Lab } from './lab.js'

/**
 * Has programs of iptables miss one of their extensions: with the variables, they fail with it as they do on a kernel or in an image without
 * it. The folder of the variables exists until `use` has ended.
 * @param name of the extension, such as `recent`
 * @throws ProxyFailure DEMO_IMPOSSIBLE if its file is not found
 */
export async function withoutExtension<Result>(
  lab: Lab,
  name: string,
  use: (env: { readonly XTABLES_LIBDIR: string }) => Promise<Result>,
): Promise<Result> {
  const file = `libxt_${name}.so`
  const found = await lab.shell('node', `find /usr/lib /usr/lib64 /lib -name ${file} 2>/dev/null | head -n 1`)
  if (found.output === '')
    throw new ProxyFailure(
      'DEMO_IMPOSSIBLE',
      `Cannot find ${file}, the iptables extension "${name}": this question needs it`,
      {
        hint: 'Install the package iptables of a distribution that has its extensions as files, such as Debian',
      },
    )
  const from = dirname(found.output)
  const folder = makeTemporaryFolder('kube-proxy-extensions-')
  try {
    const others = (await readdir(from)).filter(other => other !== file)
    for (const other of others) await symlink(join(from, other), join(folder, other))
    return await use({ XTABLES_LIBDIR: folder })
  } finally {
    await rm(folder, { recursive: true })
  }
}
