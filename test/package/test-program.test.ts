import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { type TeardownScope, WITHOUT_TAP_LOADER } from '../support/nodes/node-network.js'

/** What a test of the project in `makeProject` can use. */
const PROLOGUE = `import t from 'tap'
import { existsSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
const make = file => writeFileSync(file, '')
const waitFor = async file => {
  while (!existsSync(file)) {
    // The test of this file has ended.
    if (!existsSync('package.json')) process.kill(process.pid, 'SIGKILL')
    await delay(20)
  }
}
`
/** The tests. `go` is a file that the test of this file makes. */
const TESTS = {
  'a.test.js': "make('others-run'); await waitFor('second-vm'); t.pass('both machines have run')",
  'b.test.js': "t.pass('fine')",
  'c.test.js': "await waitFor('go'); t.pass('it went on')",
  'd-in-vm.test.js':
    "await waitFor('others-run'); t.fail('no kernel'); process.on('exit', () => make('first-vm-has-ended'))",
  'e-in-vm.test.js': "t.ok(existsSync('first-vm-has-ended'), 'it runs after the first one'); make('second-vm')",
}

t.test('the failure of a test in a virtual machine is printed while the other tests run', async t => {
  const project = makeProject(t)
  // Options of a user that would break the count or the sequence of virtual machines.
  const run = project.run('--reporter=terse', '--jobs=2', '--output-file=all.tap', '--reporter-file=report')
  await run.printed(/^# Failed beside these: dist\/test\/d-in-vm.test.js › no kernel$/m)
  project.go()
  const { code, stdout } = await run.end()
  t.equal(code, 1)
  t.match(stdout, /^What failed\n\ndist\/test\/d-in-vm.test.js › no kernel\n/m)
  t.match(stdout, /\n4 passed, 1 failed\n$/)
  t.match(stdout, / {4}not ok 1 - no kernel\n {6}---\n[^]*\nnot ok 1 - dist\/test\/d-in-vm.test.js/, 'its TAP follows')
  t.match(stdout, /^ {4}ok 1 - it runs after the first one$/m)
  t.equal(project.read('all.tap').match(/^ok .*$/gm)?.length, 3)
  t.notMatch(project.read('all.tap'), 'in-vm', 'only one tap writes the file')
})

t.test('after SIGTERM the output ends with what has failed so far, and no test runs on', async t => {
  const project = makeProject(t)
  const run = project.run()
  await run.printed(/^# Failed beside these/m)
  run.kill()
  const { code, stdout } = await run.end()
  t.equal(code, 143)
  t.match(stdout, /^ {4}not ok 1 - no kernel\n {6}---$/m, 'the TAP of virtual machines until then')
  t.match(stdout, /^Ended by SIGTERM[^]*^What failed\n\ndist\/test\/d-in-vm.test.js › no kernel\n[^]*, 1 failed\n$/m)
  t.same(project.processes(), [])
})

t.test('tests in virtual machines alone print their TAP as it comes', async t => {
  const project = makeProject(t)
  const run = project.run('dist/test/f-in-vm.test.js')
  await run.printed(/^ {4}ok 1 - before$/m)
  project.go()
  const { code, stdout } = await run.end()
  t.equal(code, 0)
  t.match(stdout, /\n2 passed, 0 failed\n$/)
})

/** A project with the tests above, and the scripts and packages of this one. */
function makeProject(t: TeardownScope) {
  const folder = mkdtempSync(join(tmpdir(), 'tests-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  cpSync('bin', join(folder, 'bin'), { recursive: true })
  cpSync('.taprc', join(folder, '.taprc'))
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  for (const name of ['dist/test', 'dist/bench/test']) mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  const alone = { 'f-in-vm.test.js': "t.pass('before'); await waitFor('go'); t.pass('after')" }
  for (const [name, body] of Object.entries({ ...TESTS, ...alone }))
    writeFileSync(join(folder, 'dist/test', name), `${PROLOGUE}${body}\n`)
  const files = Object.keys(TESTS).map(name => `dist/test/${name}`)
  /** @param args options, and files instead of those above */
  const run = (...args: readonly string[]) => {
    const named = args.some(arg => !arg.startsWith('-')) ? [] : files
    const command = [...WITHOUT_TAP_LOADER, process.execPath, 'bin/test.mjs', ...named, ...args]
    const child = spawn('env', command, {
      cwd: folder,
      env: withoutTap(process.env),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const closed = once(child, 'close')
    t.teardown(() => {
      child.kill()
      return closed
    })
    const stdout = text(child.stdout)
    let printed = ''
    child.stdout.on('data', chunk => (printed += String(chunk)))
    return {
      async printed(pattern: RegExp): Promise<void> {
        while (!pattern.test(printed)) await once(child.stdout, 'data')
      },
      kill: () => child.kill(),
      async end() {
        const [code] = (await closed) as [number | null]
        return { code, stdout: await stdout }
      },
    }
  }
  return {
    run,
    go: () => writeFileSync(join(folder, 'go'), ''),
    read: (name: string) => readFileSync(join(folder, name), 'utf8'),
    /** The processes that run in its folder. */
    processes: () => readdirSync('/proc').filter(pid => /^\d+$/.test(pid) && readFolder(pid) === folder),
  }
}

/** The working directory of a process; undefined if it has exited. */
function readFolder(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return undefined
  }
}

/** tap writes its options, and what belongs to this process, into variables that would rule the tap of the project. */
function withoutTap(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(TAP|TAP_.*|_TAPJS_.*)$/.test(name)))
}
