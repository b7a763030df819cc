import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { provideImageNode } from '../support/image/image-node.js'

const cache = mkdtempSync(join(tmpdir(), 'kube-proxy-cache-'))
t.teardown(() => rmSync(cache, { recursive: true }))
// This process is that of this file only; npm, too, takes its settings from here.
process.env['XDG_CACHE_HOME'] = cache
process.env['npm_config_registry'] = 'http://127.0.0.1:1/'
process.env['npm_config_fetch_retries'] = '0'
delete process.env['KUBE_PROXY_IMAGE_NODE']

t.test('without a registry, the Node.js of this machine comes with the reason', async t => {
  const { program, origin } = await provideImageNode('24')
  t.equal(program, process.execPath)
  t.match(origin, /^this machine: cannot get node-linux-\w+@24 from npm: code ECONNREFUSED, .*127\.0\.0\.1:1\b/)
  t.strictSame(readdirSync(join(cache, 'kube-proxy-node')), [], 'nothing half-made stays')
})

t.test('the Node.js that KUBE_PROXY_IMAGE_NODE names comes first', async t => {
  process.env['KUBE_PROXY_IMAGE_NODE'] = '/opt/node'
  t.strictSame(await provideImageNode('24'), { program: '/opt/node', origin: 'KUBE_PROXY_IMAGE_NODE' })
})
