import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ProxyFailure } from '../../lib/model/failure.js'
import { ObjectStore } from '../../lib/snapshot/object-store.js'
import { MAX_MANIFEST_BYTES } from '../../lib/source/manifest-files.js'
import { ManifestSource, type ManifestSourceOptions } from '../../lib/source/manifest-source.js'
import { parseManifests } from '../../lib/source/parse-manifests.js'
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
function startSource(t: Test, given: string | Omit<ManifestSourceOptions, 'log'>, ...more: string[]) {
  const options = typeof given === 'string' ? { paths: [given, ...more] } : given
  const log = new RecordingLog()
  const waiting: (() => void)[] = []
  const store = new ObjectStore('node-a')
  store.subscribe({ onChange: () => waiting.splice(0).forEach(resolve => resolve()) })
  const stop = new AbortController()
  const running = new ManifestSource({ ...options, log }).run(store, stop.signal)
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

void t.test('An object with a mistake keeps its last valid state; all others count', async t => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'a.yaml')
  const other = join(folder, 'b.yaml')
  await writeFile(file, `${service('web', '10.96.0.1')}---\n${service('second', '10.96.0.11')}`)
  await writeFile(other, service('other', '10.96.0.21'))
  const { log, ipOf, until } = startSource(t, folder)
  await until(() => ipOf('web') === '10.96.0.1')

  await writeFile(file, `${BROKEN}---\n${service('second', '10.96.0.12')}`)
  await until(() => ipOf('second') === '10.96.0.12')
  const broken = await nextError(log)
  t.match(
    String(broken.error),
    `${file}:4: Service "web": spec.ports[0].port: expected a port from 1 to 65535, found 70000`,
  )
  t.equal((broken.error as ProxyFailure).code, 'MANIFEST_INVALID')
  t.equal(ipOf('web'), '10.96.0.1', 'the object of the mistake')
  await writeFile(other, service('other', '10.96.0.22'))
  await until(() => ipOf('other') === '10.96.0.22')
  t.equal(ipOf('web'), '10.96.0.1', 'after a change of another file')

  await writeFile(file, service('web', '10.96.0.2'))
  await until(() => ipOf('web') === '10.96.0.2')
  t.equal(ipOf('second'), undefined, 'an object that is gone from a valid file')

  await writeFile(other, service('web', '10.96.0.3'))
  const twice = await nextError(log)
  t.match(String(twice.error), `${other}:1: Service default/web is defined twice; the definition at ${file}:1 is used`)
  await writeFile(file, service('web', '10.96.0.4'))
  await until(() => ipOf('web') === '10.96.0.4')
  await rm(file)
  await until(() => ipOf('web') === '10.96.0.3')
  t.equal(log.entries.filter(({ severity }) => severity === 'error').length, 0, 'each problem once')
})

void t.test(
  'A text that cannot be parsed keeps the objects of its file; the documents that can be parsed count',
  async t => {
    const folder = await temporaryFolder(t)
    const file = join(folder, 'a.yaml')
    const other = join(folder, 'b.yaml')
    await writeFile(file, `${service('web', '10.96.0.1')}---\n${service('second', '10.96.0.11')}`)
    await writeFile(other, service('other', '10.96.0.21'))
    const { log, store, ipOf, until } = startSource(t, folder)
    await until(() => ipOf('web') === '10.96.0.1')
    await writeFile(file, `a: [\n---\n${service('second', '10.96.0.12')}`)
    await until(() => ipOf('second') === '10.96.0.12')
    t.match(String((await nextError(log)).error), `${file}:`)
    t.equal(ipOf('web'), '10.96.0.1')
    await writeFile(file, 'not: [yaml\n')
    await writeFile(other, service('other', '10.96.0.22'))
    await until(() => ipOf('other') === '10.96.0.22')
    t.same([ipOf('web'), ipOf('second')], ['10.96.0.1', '10.96.0.12'])
    const renamed = join(folder, 'c.yaml')
    await rename(file, renamed)
    await until(() => ipOf('web') === undefined)
    t.same([...store.services.keys()], ['default/other'], 'a file that is gone takes its objects with it')
  },
)

void t.test('At the start an object with a mistake is left out and reported', async t => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'a.yaml')
  await writeFile(file, `${service('good', '10.96.0.1')}---\n${BROKEN}`)
  await writeFile(join(folder, 'b.yaml'), 'a: [')
  await writeFile(join(folder, 'c.yaml'), service('other', '10.96.0.2'))
  const { log, store, ipOf, until } = startSource(t, folder)
  await until(() => store.hasSynced)
  t.same([...store.services.keys()].sort(), ['default/good', 'default/other'])
  const errors = log.entries.filter(({ severity }) => severity === 'error').map(({ error }) => String(error))
  t.equal(errors.length, 2)
  t.match(errors[0], `${file}:9: Service "web": spec.ports[0].port`)
  t.match(errors[1], `${join(folder, 'b.yaml')}:1: `)
  await writeFile(file, service('web', '10.96.0.3'))
  await until(() => ipOf('web') === '10.96.0.3')
})

void t.test('What is no regular file of bounded size, or no text, is named, and the other files count', async t => {
  const folder = await temporaryFolder(t)
  const file = (name: string): string => join(folder, name)
  await writeFile(file('a.yaml'), service('a', '10.96.0.1'))
  await writeFile(file('large.yaml'), service('large', '10.96.0.2'))
  execFileSync('mkfifo', [file('fifo.yaml')])
  await symlink('/dev/zero', file('device.yaml'))
  await symlink('nowhere', file('link.yaml'))
  await mkdir(file('folder.yaml'))
  await writeFile(file('binary.yaml'), Buffer.from('a: b\nc: \xff', 'latin1'))
  const { log, store, ipOf, until, stop, running } = startSource(t, folder)
  await until(() => store.hasSynced)
  const errors = log.entries.filter(({ severity }) => severity === 'error').map(({ error }) => String(error))
  for (const [name, problem] of [
    ['fifo.yaml', 'it is a FIFO, expected a regular file'],
    ['device.yaml', 'it is a device, expected a regular file'],
    ['folder.yaml', 'it is a folder, expected a regular file'],
    ['link.yaml', 'ENOENT'],
    ['binary.yaml', 'line 2 is not text, expected UTF-8'],
  ] as const)
    t.ok(
      errors.some(error => error.includes(`Cannot read "${file(name)}": ${problem}`)),
      name,
    )
  t.equal(errors.length, 5)
  log.entries.length = 0
  await truncate(file('large.yaml'), MAX_MANIFEST_BYTES + 1)
  await writeFile(file('a.yaml'), service('a', '10.96.0.3'))
  await until(() => ipOf('a') === '10.96.0.3')
  t.match(
    String((await nextError(log)).error),
    `Cannot read "${file('large.yaml')}": it has 16777217 bytes, expected at most 16777216 bytes`,
  )
  t.equal(ipOf('large'), '10.96.0.2', 'it keeps its objects')
  await rm(file('fifo.yaml'))
  await writeFile(file('fifo.yaml'), service('fifo', '10.96.0.4'))
  await until(() => ipOf('fifo') === '10.96.0.4')
  t.equal(log.entries.filter(({ severity }) => severity === 'error').length, 0, 'each once')
  stop.abort()
  await running
})

void t.test('A path that was given and disappears keeps its objects until it is back', async t => {
  const folder = await temporaryFolder(t)
  for (const given of ['file', 'folder']) {
    const path = join(folder, given)
    const file = given === 'file' ? path : join(path, 'a.yaml')
    if (given === 'folder') await mkdir(path)
    await writeFile(file, service('web', '10.96.0.1'))
    const { log, ipOf, until } = startSource(t, path)
    await until(() => ipOf('web') === '10.96.0.1')
    await rm(path, { recursive: true })
    t.match(String((await nextError(log)).error), `Cannot read "${path}": ENOENT`, given)
    t.equal(ipOf('web'), '10.96.0.1', given)
    if (given === 'folder') await mkdir(path)
    await writeFile(file, service('web', '10.96.0.2'))
    await until(() => ipOf('web') === '10.96.0.2')
  }
})

void t.test('A mounted ConfigMap is read again when its links change', async t => {
  const folder = await temporaryFolder(t)
  const write = async (version: string, ip: string): Promise<void> => {
    await mkdir(join(folder, `..${version}`))
    await writeFile(join(folder, `..${version}`, 'a.yaml'), service('web', ip))
    await symlink(`..${version}`, join(folder, '..data_tmp'))
    await rename(join(folder, '..data_tmp'), join(folder, '..data'))
  }
  await write('1', '10.96.0.1')
  await symlink('..data/a.yaml', join(folder, 'a.yaml'))
  const { ipOf, until } = startSource(t, folder)
  await until(() => ipOf('web') === '10.96.0.1')
  await write('2', '10.96.0.2')
  await until(() => ipOf('web') === '10.96.0.2')
  t.pass('the new version')
})

void t.test('A resourceVersion that kubectl has printed does not hide a change', async t => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'a.yaml')
  const printed = (ip: string): string =>
    service('web', ip).replace('name: web', "name: web, uid: a, resourceVersion: '7'")
  await writeFile(file, printed('10.96.0.1'))
  const { ipOf, until } = startSource(t, file)
  await until(() => ipOf('web') === '10.96.0.1')
  await writeFile(file, printed('10.96.0.2'))
  await until(() => ipOf('web') === '10.96.0.2')
  t.pass('the change')
})

void t.test('A file that is emptied before it is written keeps its objects', async t => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'a.yaml')
  await writeFile(file, service('web', '10.96.0.1'))
  const { log, ipOf, until } = startSource(t, folder)
  await until(() => ipOf('web') === '10.96.0.1')
  await writeFile(file, '')
  t.match(String((await nextError(log)).error), `${file}:1: the file is empty; to remove its objects, remove the file`)
  t.equal(ipOf('web'), '10.96.0.1')
  await writeFile(file, service('web', '10.96.0.2'))
  await until(() => ipOf('web') === '10.96.0.2')
})

void t.test('With strict, or without a path that was given, the start fails', async t => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'a.yaml')
  const nowhere = join(folder, 'nowhere')
  const table: readonly (readonly [name: string, strict: boolean, text: string | undefined, message: string])[] = [
    ['a wrong field', true, BROKEN, `${file}:4: Service "web"`],
    ['no YAML', true, 'a: [', `${file}:`],
    [
      'one object twice',
      true,
      `${service('web', '10.96.0.1')}---\n${service('web', '10.96.0.2')}`,
      'Service default/web is defined twice',
    ],
    [
      'one object twice, once with its namespace',
      true,
      `${service('web', '10.96.0.1')}---\n${service('web', '10.96.0.2').replace('name: web', "name: web, namespace: ''")}`,
      'Service default/web is defined twice',
    ],
    ['an undefined alias', true, 'a: *b', `${file}:1: `],
    ['no file', true, undefined, `Cannot read "${nowhere}"`],
    ['no file', false, undefined, `Cannot read "${nowhere}"`],
  ]
  for (const [name, strict, text, message] of table) {
    if (text !== undefined) await writeFile(file, text)
    const store = new ObjectStore('node-a')
    const source = new ManifestSource({ paths: [text === undefined ? nowhere : file], strict, log: new RecordingLog() })
    const failure: unknown = await source.run(store, new AbortController().signal).then(
      () => undefined,
      (error: unknown) => error,
    )
    t.ok(failure instanceof ProxyFailure, name)
    t.match(failure, { code: 'MANIFEST_INVALID' }, name)
    t.ok(String(failure).includes(message), `${name}: ${String(failure)}`)
    t.notOk(store.hasSynced, name)
  }
})

void t.test('With strict, a mistake after the start keeps the last valid state', async t => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'a.yaml')
  await writeFile(file, service('web', '10.96.0.1'))
  const { log, ipOf, until, running } = startSource(t, { paths: [file], strict: true })
  await until(() => ipOf('web') === '10.96.0.1')
  await writeFile(file, BROKEN)
  await nextError(log)
  await writeFile(file, service('web', '10.96.0.2'))
  await until(() => ipOf('web') === '10.96.0.2')
  t.equal(await Promise.race([running, Promise.resolve('running')]), 'running')
})

void t.test('Much text is parsed and delivered', async t => {
  const folder = await temporaryFolder(t)
  const names = Array.from({ length: 1500 }, (_, index) => `web-${index}`)
  await writeFile(join(folder, 'many.yaml'), names.map(name => service(name, '10.96.0.1')).join('---\n'))
  await writeFile(join(folder, 'small.yaml'), 'a: [')
  const { log, store, until } = startSource(t, folder)
  await until(() => store.hasSynced)
  t.equal(store.services.size, 1500)
  t.equal(log.entries.filter(({ severity }) => severity === 'error').length, 1)
})

void t.test('A file on which the parser failed is parsed again, although it has not changed', async t => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'many.yaml')
  const write = (ip: string) =>
    writeFile(
      file,
      `${service('web', ip)}---\napiVersion: v1\nkind: ConfigMap\na: [${'[],'.repeat(60_000)}]\n---\n${service('last', ip)}`,
    )
  await write('10.96.0.1')
  /** Megabytes of memory that the parser has. */
  let memoryMb = 1024
  let failures = 0
  const parse: typeof parseManifests = async (texts, signal) => {
    const results = await parseManifests(texts, signal, memoryMb)
    failures += results.filter(({ hasParserFailed }) => hasParserFailed).length
    if (failures > 0) memoryMb = 1024
    return results
  }
  const { until, ipOf, log } = startSource(t, { paths: [folder], parse })
  await until(() => ipOf('last') === '10.96.0.1')
  memoryMb = 12
  await write('10.96.0.2')
  t.match((await nextError(log)).error, {
    code: 'MANIFEST_INVALID',
    message: /many\.yaml:1: cannot be parsed: .*memory/,
  })
  t.equal(ipOf('web'), '10.96.0.1', 'its objects keep their last state meanwhile')
  await until(() => ipOf('last') === '10.96.0.2')
  t.equal(failures, 1)
})

void t.test('A stop does not wait for the parser', async t => {
  const folder = await temporaryFolder(t)
  await writeFile(
    join(folder, 'many.yaml'),
    service('web', '10.96.0.1').replace('{ name', `# ${'\n'.repeat(200_000)}\n  { name`),
  )
  const { store, stop, running } = startSource(t, folder)
  setTimeout(() => stop.abort(), 20)
  await running
  t.notOk(store.hasSynced)
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
