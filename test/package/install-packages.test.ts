import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { type TeardownScope } from '../support/nodes/node-network.js'

interface Options {
  readonly say: (text: string) => void
  readonly watch?: () => () => void
  readonly env: NodeJS.ProcessEnv
  readonly maxWaitMs?: number
  readonly servicePolicy?: string
}

const { runAptGet } = (await import(resolve('bin/apt-get.mjs'))) as {
  readonly runAptGet: (args: readonly string[], options: Options) => Promise<{ status: number; lock?: string }>
}
const { installPackages } = (await import(resolve('bin/install-packages.mjs'))) as {
  readonly installPackages: (names: readonly string[], options: Options) => Promise<string | undefined>
}
const { removeLeftPolicy } = (await import(resolve('bin/service-policy.mjs'))) as {
  readonly removeLeftPolicy: (options: Pick<Options, 'env' | 'servicePolicy'>) => void
}
const { collectNewUnits } = (await import(resolve('bin/installed-units.mjs'))) as {
  readonly collectNewUnits: (root: string) => { readonly names: ReadonlySet<string>; readonly watch: () => () => void }
}

/** A policy of services that a setup has written. */
const OWN_POLICY = '#!/bin/sh\n# written by the setup of kube-proxy-node\nexit 101\n'
const skip =
  process.getuid?.() !== 0
    ? 'needs root, as dpkg does'
    : spawnSync('apt-get', ['--version']).status === 0
      ? false
      : 'apt-get is not installed'

t.test('an installation waits for the lock of dpkg, and says who holds it', { skip }, async t => {
  const machine = makeMachine(t)
  const holder = await machine.hold('DPkg::Pre-Invoke', ['install', machine.makePackage('kpn-first')])
  const attempts: boolean[] = []
  let finished = 0
  const said: string[] = []
  const failure = await installPackages([machine.makePackage('kpn-second')], {
    ...machine.options,
    watch: () => {
      attempts.push(existsSync(machine.policy))
      return () => finished++
    },
    say: text => {
      said.push(text)
      holder.release()
    },
  })
  t.equal(failure, undefined)
  checkSaid(t, said, `${machine.dpkg}/lock-frontend`, holder.pid)
  t.ok(attempts.length > 1, 'it tried again')
  t.equal(finished, 1, 'only one attempt was not stopped by a lock')
  t.notOk(attempts.includes(true), 'no policy of services holds for the program that has the lock')
  t.equal(await holder.end(), 0, 'the first installation has ended well')
  t.equal(machine.policySeenBy('kpn-first'), undefined)
  t.match(machine.policySeenBy('kpn-second'), /exit 101/, 'the service of the package may not start')
  t.notOk(existsSync(machine.policy), 'the policy is gone')
})

t.test('an update of the lists of packages waits for its own lock', { skip }, async t => {
  const machine = makeMachine(t)
  const holder = await machine.hold('APT::Update::Pre-Invoke', ['update'])
  const said: string[] = []
  const say = (text: string): void => {
    said.push(text)
    holder.release()
  }
  const { status } = await runAptGet(['-qq', 'update'], { ...machine.options, say })
  t.equal(status, 0)
  checkSaid(t, said, `${machine.folder}/apt/lists/lock`, holder.pid)
  await holder.end()
})

t.test(
  'an installation that waited too long names the lock and the program, and advises what to do',
  { skip },
  async t => {
    const machine = makeMachine(t)
    const holder = await machine.hold('DPkg::Pre-Invoke', ['install', machine.makePackage('kpn-first')])
    const failure = await installPackages(['kpn-second'], { ...machine.options, maxWaitMs: 0 })
    t.equal(
      failure,
      'apt-get could not install kpn-second: it waited too long for ' +
        `the lock ${machine.dpkg}/lock-frontend, which process ${holder.pid} (apt-get) holds. Try again when that program has ended.`,
    )
    holder.release()
    await holder.end()
  },
)

t.test('a package that does not exist is reported with the words of apt-get', { skip }, async t => {
  const machine = makeMachine(t)
  const failure = await installPackages(['kpn-unknown'], machine.options)
  t.equal(failure, 'apt-get could not install kpn-unknown:\nE: Unable to locate package kpn-unknown')
})

t.test('a package that cannot be configured leaves no policy of services', { skip }, async t => {
  const machine = makeMachine(t)
  const failure = await installPackages([machine.makePackage('kpn-broken', { script: 'exit 3' })], machine.options)
  t.match(failure, /^apt-get could not install .*kpn-broken.deb:\n.*exit status 3/s)
  t.notOk(existsSync(machine.policy))
})

t.test(
  'the policy of services that a machine has stays as it is; one of a killed setup is removed',
  { skip },
  async t => {
    const machine = makeMachine(t)
    const policy = '#!/bin/sh\nexit 104\n'
    writeFileSync(machine.policy, policy)
    t.equal(await installPackages([machine.makePackage('kpn-first')], machine.options), undefined)
    t.equal(machine.policySeenBy('kpn-first'), policy)
    t.equal(readFileSync(machine.policy, 'utf8'), policy)

    writeFileSync(machine.policy, OWN_POLICY)
    t.equal(await installPackages([machine.makePackage('kpn-second')], machine.options), undefined)
    t.notOk(existsSync(machine.policy))
  },
)

t.test('units of a package are collected when another package of the same attempt fails', { skip }, async t => {
  const machine = makeMachine(t)
  const units = collectNewUnits(join(machine.folder, 'root'))
  const names = [
    machine.makePackage('kpn-web', { unit: true }),
    machine.makePackage('kpn-broken', { script: 'exit 3' }),
  ]
  t.match(await installPackages(names, { ...machine.options, watch: units.watch }), /kpn-broken.*exit status 3/s)
  t.same([...units.names], ['kpn-web.service'])
})

t.test('the policy of a killed setup is removed unless dpkg works; that of a machine stays', { skip }, async t => {
  const machine = makeMachine(t)
  const isLeft = (policy: string): boolean => {
    writeFileSync(machine.policy, policy)
    removeLeftPolicy(machine.options)
    return existsSync(machine.policy)
  }
  t.notOk(isLeft(OWN_POLICY))
  t.ok(isLeft('#!/bin/sh\nexit 101\n'), 'a policy of the machine')
  rmSync(machine.policy)
  t.doesNotThrow(() => removeLeftPolicy(machine.options), 'there is none')

  const holder = await machine.hold('DPkg::Pre-Invoke', ['install', machine.makePackage('kpn-first')])
  t.ok(isLeft(OWN_POLICY), 'another setup may use it')
  await holder.end()
  t.notOk(isLeft(OWN_POLICY))
})

/**
 * Before the lock is released, the message names its holder. Afterwards, the holder may end between the failure of apt-get and its look for
 * the holder; then another message names the lock alone.
 */
function checkSaid(t: Test, said: readonly string[], lock: string, pid: number | undefined): void {
  t.equal(said[0], `Waiting for the lock ${lock}, which process ${pid} (apt-get) holds`)
  for (const text of said.slice(1))
    t.match(text, /^Waiting for the lock \S+?(, which process \d+( \(apt-get\))? holds)?$/)
}

/** Real apt-get and dpkg with packages, lists and locks in a folder of their own: those of this machine are not touched. */
function makeMachine(t: TeardownScope) {
  const folder = mkdtempSync(join(tmpdir(), 'packages-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const dpkg = join(folder, 'dpkg')
  const folders = ['dpkg/info', 'dpkg/updates', 'dpkg/triggers', 'apt/lists/partial', 'cache/archives/partial']
  for (const name of [...folders, 'etc/apt.conf.d', 'etc/preferences.d', 'log', 'root'])
    mkdirSync(join(folder, name), { recursive: true })
  for (const file of ['dpkg/status', 'etc/sources.list']) writeFileSync(join(folder, file), '')
  const dpkgOptions = [
    `--admindir=${dpkg}`,
    `--instdir=${folder}/root`,
    '--force-script-chrootless',
    `--log=${folder}/log/dpkg`,
  ]
  const settings = [
    `Dir::State "${folder}/apt"`,
    `Dir::State::status "${dpkg}/status"`,
    `Dir::Cache "${folder}/cache"`,
    `Dir::Etc "${folder}/etc"`,
    `Dir::Log "${folder}/log"`,
    'APT::Sandbox::User "root"',
    ...dpkgOptions.map(option => `DPkg::Options:: "${option}"`),
  ]
  writeFileSync(join(folder, 'apt.conf'), settings.map(line => `${line};\n`).join(''))
  const env = { ...process.env, APT_CONFIG: join(folder, 'apt.conf') }
  const policy = join(folder, 'policy')

  /** @returns the path of a package that records, when it is installed, which policy of services there is, or runs another script */
  const makePackage = (
    name: string,
    { script = `[ ! -e ${policy} ] || cp ${policy} ${folder}/seen-by-${name}`, unit = false } = {},
  ): string => {
    const control = `Package: ${name}\nVersion: 1\nArchitecture: all\nMaintainer: a test <test@example>\nDescription: a test\n`
    mkdirSync(join(folder, name, 'DEBIAN'), { recursive: true })
    writeFileSync(join(folder, name, 'DEBIAN/control'), control)
    writeFileSync(join(folder, name, 'DEBIAN/postinst'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    if (unit) {
      mkdirSync(join(folder, name, 'usr/lib/systemd/system'), { recursive: true })
      writeFileSync(join(folder, name, `usr/lib/systemd/system/${name}.service`), '[Service]\nExecStart=/bin/true\n')
    }
    const path = join(folder, `${name}.deb`)
    execFileSync('dpkg-deb', ['--build', join(folder, name), path])
    return path
  }

  /** Starts an apt-get that stays in a hook until `release()`, with its locks. */
  const hold = async (hook: string, args: readonly string[]) => {
    const pipe = join(folder, 'release')
    execFileSync('mkfifo', [pipe])
    const holder = spawn('apt-get', ['-qq', '-o', `${hook}::=echo held; cat ${pipe}`, ...args], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = new Promise(done => holder.on('exit', done))
    for await (const line of createInterface(holder.stdout)) if (line.endsWith('held')) break
    // What it prints afterwards must not stay in the pipe.
    holder.stdout.resume()
    // Opened for both directions, it never waits for a reader.
    const release = (): void => writeFileSync(pipe, '\n', { flag: 'r+' })
    t.teardown(release)
    const end = (): Promise<unknown> => {
      release()
      return ended
    }
    return { pid: holder.pid, release, end }
  }
  const policySeenBy = (name: string): string | undefined => {
    const path = join(folder, `seen-by-${name}`)
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined
  }
  const options = { env, servicePolicy: policy, maxWaitMs: 60_000, say: () => {} }
  return { folder, dpkg, policy, options, makePackage, hold, policySeenBy }
}
