import { mkdirSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { parseKernelConfig, readKernelBuild } from '../../lib/system/kernel-build.js'

const CONFIG = ['CONFIG_IP_SET=y', 'CONFIG_IP_VS=m', '# CONFIG_DUMMY is not set', 'CONFIG_HZ=250', ''].join('\n')

void t.test('The configuration of a kernel says which options are built in and which are modules', t => {
  t.same(
    [...parseKernelConfig(CONFIG)],
    [
      ['CONFIG_IP_SET', 'built in'],
      ['CONFIG_IP_VS', 'module'],
    ],
  )
  t.end()
})

void t.test('The configuration is found where distributions keep it', t => {
  const places: readonly (readonly [file: string, content: Buffer])[] = [
    ['proc/config.gz', gzipSync(CONFIG)],
    [`boot/config-${release()}`, Buffer.from(CONFIG)],
    [`lib/modules/${release()}/config`, Buffer.from(CONFIG)],
  ]
  for (const [file, content] of places) {
    const root = t.testdir()
    mkdirSync(join(root, file, '..'), { recursive: true })
    writeFileSync(join(root, file), content)
    const build = readKernelBuild(root)
    t.equal(build.configFile, join(root, file))
    t.equal(build.stateOf('CONFIG_IP_SET'), 'built in', file)
    t.equal(build.stateOf('CONFIG_IP_VS'), 'module', file)
    t.equal(build.stateOf('CONFIG_DUMMY'), 'not set', file)
  }
  t.end()
})

void t.test('Without a configuration, every option is unknown, and so is every module', async t => {
  const build = readKernelBuild(t.testdir())
  t.equal(build.configFile, undefined)
  t.equal(build.stateOf('CONFIG_IP_SET'), 'unknown')
  t.equal(await build.hasModuleFile('xt_comment'), undefined)
})
