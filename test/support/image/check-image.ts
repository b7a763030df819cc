import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { type Test } from 'tap'
import { type BuiltImage } from './built-image.js'

const MAX_COMPRESSED_BYTES = 90_000_000
/** What the proxy, its users and its installers start. */
const PROGRAMS = [
  ...['iptables-nft', 'iptables-legacy', 'xtables-monitor', 'conntrack', 'ipset', 'ipvsadm', 'ip', 'modprobe'],
  ...['awk', 'nproc', 'kube-proxy-probe'],
]

/** Programs start under the names and at the paths that installers use. */
export async function checkInstalledPrograms(t: Test, image: BuiltImage): Promise<void> {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string }
  const line = `kube-proxy-node v${version}\n`
  t.equal(await image.run('kube-proxy', '--version'), line)
  t.equal(await image.run('/usr/local/bin/kube-proxy', '--version'), line)
  t.equal(await image.run('/bin/sh', '-c', 'exec kube-proxy --version 2>&1'), line)
  t.equal(await image.run('/go-runner', '/usr/local/bin/kube-proxy', '--version'), line)
  t.match(await image.run('kube-proxy', '--help'), '--proxy-mode')
  const found = (await image.run('sh', '-c', 'for name; do command -v "$name"; done', 'sh', ...PROGRAMS))
    .trim()
    .split('\n')
  t.same(
    found.map(path => basename(path)),
    PROGRAMS,
  )
}

/** Its layers are not larger than the limit of docs/install.md. */
export async function checkSize(t: Test, image: BuiltImage): Promise<void> {
  const bytes = await image.compressedBytes()
  t.comment(`${Math.round(bytes / 1e6)} MB compressed`)
  t.ok(bytes <= MAX_COMPRESSED_BYTES, `${bytes} bytes`)
}
