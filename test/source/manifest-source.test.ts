import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ProxyFailure } from '../../lib/model/failure.js'
import { ObjectStore } from '../../lib/snapshot/object-store.js'
import { ManifestSource } from '../../lib/source/manifest-source.js'
import { type LogEntry, RecordingLog } from '../support/log/recording-log.js'

function service(name: string, ip: string): string {
  return `apiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { clusterIP: ${ip}, ports: [{ port: 80 }] }\n`
}

const BROKEN = 'apiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec: { ports: [{ port: 70000 }] }\n'

async function temporaryFolder(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'manifests-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A running source and its store. */
function startSource(t: Test, ...paths: string[]) {
  const log = new RecordingLog()
  const waiting: (() => void)[] = []
  const store = new ObjectStore('node-a')
  store.subscribe({ onChange: () => waiting.splice(0).forEach(resolve => resolve()) })
  const stop = new AbortController()
  const running = new ManifestSource(paths, log).run(store, stop.signal)
  t.teardown(async () => {
    stop.abort()
    await running.catch(() => undefined)
  })
  /** Resolves when the condition holds; checked at every change. */
  const until = async (state: () => boolean): Promise<void> => {
    while (!state()) await new Promise<void>(resolve => waiting.push(resolve))
  }
  const ipOf = (name: string): string | undefined => store.services.get(`default/${name}`)?.clusterIP
  return { log, store, stop, running, until, ipOf }
}

async function nextError(log: RecordingLog): Promise<LogEntry> {
  for (;;) {
    const entry = log.entries.find(({ severity }) => severity === 'error')
    if (entry !== undefined) {
      log.entries.splice(log.entries.indexOf(entry), 1)
      return entry
    }
    await log.waitForEntry()
  }
}

void t.test('All given files and folders are one state', async t => {
  const folder = await temporaryFolder(t)
  const inside = join(folder, 'folder')
  await mkdir(inside)
  const single = join(folder, 'any-name')
  await writeFile(single, service('single', '10.96.0.1'))
  await writeFile(join(inside, 'a.yaml'), service('a', '10.96.0.2'))
  await writeFile(join(inside, 'b.yml'), service('b', '10.96.0.3'))
  await writeFile(
    join(inside, 'c.json'),
    JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'c' }, spec: {} }),
  )
  await writeFile(join(inside, 'readme.txt'), 'not: [a manifest')
  await writeFile(join(inside, '.hidden.yaml'), 'not: [a manifest')
  await symlink(single, join(folder, 'link.yaml'))
  const { store, until } = startSource(t, single, inside)
  await until(() => store.hasSynced)
  t.same([...store.services.keys()].sort(), ['default/a', 'default/b', 'default/c', 'default/single'])
})

void t.test('Each ignored kind is logged once', async t => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'a.yaml')
  const deployment = '---\napiVersion: apps/v1\nkind: Deployment\n'
  await writeFile(file, service('web', '10.96.0.1') + deployment)
  const { log, ipOf, until } = startSource(t, file)
  await until(() => ipOf('web') === '10.96.0.1')
  await writeFile(file, service('web', '10.96.0.2') + deployment)
  await until(() => ipOf('web') === '10.96.0.2')
  const logged = log.entries.filter(({ message }) => message.startsWith('Ignored objects'))
  t.same(
    logged.map(({ fields }) => fields['kind']),
    ['Deployment.apps'],
  )
})

void t.test('A file is read again when it is written or replaced', async t => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'web.yaml')
  await writeFile(file, service('web', '10.96.0.1'))
  const { ipOf, until } = startSource(t, file)
  await until(() => ipOf('web') === '10.96.0.1')
  await writeFile(file, service('web', '10.96.0.2'))
  await until(() => ipOf('web') === '10.96.0.2')
  for (const last of [3, 4]) {
    const other = join(folder, 'other')
    await writeFile(other, service('web', `10.96.0.${last}`))
    await rename(other, file)
    await until(() => ipOf('web') === `10.96.0.${last}`)
  }
  t.pass('each state was delivered')
})

void t.test('Files can be added, removed and renamed in a folder', async t => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'a.yaml'), service('a', '10.96.0.1'))
  const { ipOf, until } = startSource(t, folder)
  await until(() => ipOf('a') !== undefined)
  await writeFile(join(folder, 'b.yaml'), service('b', '10.96.0.2'))
  await until(() => ipOf('b') !== undefined)
  await rename(join(folder, 'b.yaml'), join(folder, 'b.txt'))
  await until(() => ipOf('b') === undefined)
  t.equal(ipOf('a'), '10.96.0.1')
  await rm(join(folder, 'a.yaml'))
  await until(() => ipOf('a') === undefined)
})

void t.test('An invalid manifest keeps the last valid state, and is logged once', async t => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'a.yaml')
  await writeFile(file, service('web', '10.96.0.1'))
  const { log, ipOf, until } = startSource(t, folder)
  await until(() => ipOf('web') === '10.96.0.1')

  await writeFile(file, BROKEN)
  const broken = await nextError(log)
  t.match(
    String(broken.error),
    `${file}:4: Service "web": spec.ports[0].port: expected a port from 1 to 65535, found 70000`,
  )
  t.equal((broken.error as ProxyFailure).code, 'MANIFEST_INVALID')
  t.equal(ipOf('web'), '10.96.0.1')

  await writeFile(file, service('web', '10.96.0.2'))
  await until(() => ipOf('web') === '10.96.0.2')

  await writeFile(join(folder, 'b.yaml'), service('web', '10.96.0.3'))
  const twice = await nextError(log)
  t.match(
    String(twice.error),
    `${join(folder, 'b.yaml')}:1: Service default/web is defined twice; the first definition is at ${file}:1`,
  )
  t.equal(ipOf('web'), '10.96.0.2')

  await writeFile(join(folder, 'b.yaml'), service('other', '10.96.0.3'))
  await until(() => ipOf('other') === '10.96.0.3')
  t.equal(log.entries.filter(({ severity }) => severity === 'error').length, 0, 'each problem once')
})

void t.test('After the deletion of a file the last valid state stays until the file is back', async t => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'a.yaml')
  await writeFile(file, service('web', '10.96.0.1'))
  const { log, ipOf, until } = startSource(t, file)
  await until(() => ipOf('web') === '10.96.0.1')
  await rm(file)
  t.match(String((await nextError(log)).error), `Cannot read "${file}"`)
  t.equal(ipOf('web'), '10.96.0.1')
  await writeFile(file, service('web', '10.96.0.2'))
  await until(() => ipOf('web') === '10.96.0.2')
})

void t.test('An invalid first state is a failure', async t => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'a.yaml')
  const nowhere = join(folder, 'nowhere')
  const table: readonly (readonly [name: string, text: string | undefined, message: string])[] = [
    ['a wrong field', BROKEN, `${file}:4: Service "web"`],
    ['no YAML', 'a: [', `${file}:`],
    [
      'one object twice',
      `${service('web', '10.96.0.1')}---\n${service('web', '10.96.0.2')}`,
      'Service default/web is defined twice',
    ],
    [
      'one object twice, once with its namespace',
      `${service('web', '10.96.0.1')}---\n${service('web', '10.96.0.2').replace('name: web', "name: web, namespace: ''")}`,
      'Service default/web is defined twice',
    ],
    ['an undefined alias', 'a: *b', `${file}:1: `],
    ['no file', undefined, `Cannot read "${nowhere}"`],
  ]
  for (const [name, text, message] of table) {
    if (text !== undefined) await writeFile(file, text)
    const { running, store } = startSource(t, text === undefined ? nowhere : file)
    const failure: unknown = await running.then(
      () => undefined,
      (error: unknown) => error,
    )
    t.ok(failure instanceof ProxyFailure, name)
    t.match(failure, { code: 'MANIFEST_INVALID' }, name)
    t.ok(String(failure).includes(message), `${name}: ${String(failure)}`)
    t.notOk(store.hasSynced, name)
  }
})

void t.test('After a stop the source ends and delivers nothing more', async t => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'a.yaml')
  await writeFile(file, service('web', '10.96.0.1'))
  const { ipOf, until, stop, running } = startSource(t, file)
  await until(() => ipOf('web') === '10.96.0.1')
  await writeFile(file, service('web', '10.96.0.2'))
  stop.abort()
  await running
  t.equal(ipOf('web'), '10.96.0.1')
})
