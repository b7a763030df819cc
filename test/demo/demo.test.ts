import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { ipvsUnavailable } from '../support/nodes/ipvs-unavailable.js'
import { isolatedDemo } from '../support/processes/isolated-demo.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { PROXY_PROGRAM } from '../support/processes/proxy-process.js'
import { runProgram } from '../support/processes/run-program.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'

/** Starts a demo and resolves when its output matches. The test keeps reading the output: a closed pipe would end the demo. */
async function startDemoUntil(t: Test, pattern: RegExp, args: readonly string[], env: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, [PROXY_PROGRAM, 'demo', ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  // After a failure of the test it would run forever.
  t.teardown(() => child.kill('SIGINT'))
  let text = ''
  child.stdout.on('data', chunk => (text += String(chunk)))
  while (!pattern.test(text)) await once(child.stdout, 'data')
  return { child, text: () => text }
}

/** Checks the output of the demo with its own example, for any user. */
function checkExampleOutput(t: Test, stdout: string): void {
  t.notMatch(stdout, /\x1b/, 'plain text when piped')
  t.notMatch(stdout, /✗/)
  t.match(stdout, /nginx-deployment +3\/3/)
  t.match(stdout, /nginx-service +10\.96\.0\.10 +80\/TCP/)
  t.match(stdout, /Chain KUBE-PORTALS-CONTAINER[^]* DNAT +10\.96\.0\.10 .*tcp dpt:80 to:192\.168\.50\.1:\d+/)
  const nine = /Nine requests[^]*?Pods answered/.exec(stdout)?.[0]
  t.equal(nine?.match(/^ +\d +http:\/\/nginx-service:80 +nginx-deployment-[123] /gm)?.length, 9, 'requests by name')
  t.match(stdout, /3 Pods answered: 3 \+ 3 \+ 3/)
  t.match(stdout, /The rule for 10\.96\.0\.10 counted 9 connections for 9 requests/)
  t.match(stdout, /One Pod answered 6 of 6 requests of this client/)
  t.match(stdout, /0 of 9 requests failed/)
  t.match(stdout, /5 Pods answered: 2 \+ 2 \+ 2 \+ 2 \+ 2/)
  t.match(stdout, /The client gets ECONNREFUSED/)
  t.match(stdout, /TXT whoami\? +coredns-[12]/)
  t.match(stdout, /DNS returns 10\.96\.0\.10 for "nginx-service"/)
  t.match(stdout, /All checks passed/)
}

t.test('the demo', { skip: namespacesUnavailable, timeout: 600_000 * TIMEOUT_FACTOR }, async t => {
  await t.test('runs the same steps in iptables mode, where counters show the path through the rules', async t => {
    const { env, left } = isolatedDemo()
    const { exitCode, stdout, stderr } = await runProgram(['demo', '--proxy-mode=iptables'], { env })
    t.equal(exitCode, 0, stderr)
    t.notMatch(stdout, /✗/)
    t.match(stdout, /Chain KUBE-SERVICES[^]* KUBE-SVC-\S+ +10\.96\.0\.10 +tcp dpt:80/)
    t.match(stdout, /random probability 0\.333/)
    t.match(stdout, /The rule in KUBE-SERVICES for 10\.96\.0\.10 counted 9 connections for 9 requests/)
    const seen = /Nine requests[^]*?Pods answered/.exec(stdout)?.[0].match(/nginx-deployment-[123] +10\.244\.0\.2$/gm)
    t.equal(seen?.length, 9, 'the Pods saw the address of the client')
    t.match(stdout, /One Pod answered 6 of 6 requests of this client/)
    t.match(stdout, /The dead endpoint is no longer listed, and no request failed/)
    t.match(stdout, /The client gets ECONNREFUSED/)
    t.equal(left(), '')
  })

  const hasIpvs = ipvsUnavailable === false && 'this kernel has IPVS'
  await t.test('a mode that this node does not support is refused with the reason', { skip: hasIpvs }, async t => {
    const { env, left } = isolatedDemo()
    const { exitCode, stderr } = await runProgram(['demo', '--proxy-mode=ipvs'], { env })
    t.equal(exitCode, 1)
    t.match(stderr, /Cannot serve in mode "ipvs" on this node/)
    t.equal(left(), '')
  })

  await t.test('runs all steps and leaves nothing behind', async t => {
    const { env, left } = isolatedDemo()
    const { exitCode, stdout, stderr } = await runProgram(['demo'], { env })
    t.equal(exitCode, 0, stderr)
    checkExampleOutput(t, stdout)
    t.equal(left(), '')
  })

  await t.test('runs as an ordinary user where user namespaces are allowed', async t => {
    const through = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--']
    try {
      execFileSync(
        through[0]!,
        [...through.slice(1), 'unshare', '--user', '--map-root-user', '--net', '--mount', 'true'],
        { stdio: 'pipe' },
      )
    } catch (error) {
      t.pass(`# SKIP user namespaces are not allowed here: ${String((error as { stderr?: Buffer }).stderr).trim()}`)
      return
    }
    const { env } = isolatedDemo()
    const { exitCode, stdout, stderr } = await runProgram(['demo'], { env: { ...env, HOME: tmpdir() }, through })
    t.equal(exitCode, 0, stderr)
    checkExampleOutput(t, stdout)
  })

  await t.test("runs the user's own Deployment and Service, over TCP and UDP", async t => {
    const folder = mkdtempSync(join(tmpdir(), 'user-manifest-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    const manifest = join(folder, 'mine.yaml')
    writeFileSync(
      manifest,
      `apiVersion: apps/v1
kind: Deployment
metadata: {name: my-app}
spec:
  replicas: 2
  selector: {matchLabels: {app: mine}}
  template:
    metadata: {labels: {app: mine}}
    spec: {containers: [{name: web, image: 'my/app:1', ports: [{name: http, containerPort: 8080}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: my-service}
spec:
  selector: {app: mine}
  # With more than two ports the rules of the address are in their own chain.
  ports: [{name: web, port: 8000, targetPort: http}, {name: other, port: 8001, targetPort: http}, {name: q, port: 99, protocol: UDP}]
`,
    )
    const { env, left } = isolatedDemo()
    const { exitCode, stdout, stderr } = await runProgram(['demo', '--manifest', manifest], { env })
    t.equal(exitCode, 0, stderr)
    t.match(stdout, /http:\/\/my-service:8000 +my-app-\d/)
    t.match(stdout, /Chain KUBE-ADDR-[^]* DNAT .*tcp dpt:8001 to:/)
    t.match(stdout, /my-service:99\/UDP +my-app-\d/)
    t.match(stdout, /All checks passed/)
    t.equal(left(), '')
  })

  await t.test('stops at a mistake in the manifest before it creates anything', async t => {
    const { env, left } = isolatedDemo()
    const { exitCode, stdout, stderr } = await runProgram(['demo', '--manifest', '/nonexistent.yaml'], { env })
    t.equal(exitCode, 1)
    t.match(stderr, /MANIFEST_INVALID/)
    t.equal(stdout, '')
    t.equal(left(), '')
  })

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    await t.test(`removes everything after ${signal} at any moment`, async t => {
      for (const moment of [/Setting up/, /1\. The objects/, /4\. Session affinity/]) {
        const { env, left } = isolatedDemo()
        const { child } = await startDemoUntil(t, moment, [], env)
        child.kill(signal)
        const [exitCode] = (await once(child, 'exit')) as [number]
        t.equal(exitCode, 130, String(moment))
        t.equal(left(), '')
      }
    })
  }

  await t.test('removes everything after two times Ctrl-C, which reaches every program of the terminal', async t => {
    for (let moment = 300; moment < 1500; moment += 150) {
      const { env, left } = isolatedDemo()
      const options = { env, stdio: 'ignore', detached: true } as const
      const child = spawn(process.execPath, [PROXY_PROGRAM, 'demo'], options)
      const ended = once(child, 'exit')
      await setTimeout(moment)
      for (const pause of [20, 0]) {
        if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGINT')
        await setTimeout(pause)
      }
      await ended
      t.equal(left(), '', `after ${moment} ms`)
    }
  })

  await t.test("keeps a network namespace of another program whose name starts like the demo's", async t => {
    const { env, left } = isolatedDemo()
    const name = `${env['KUBE_PROXY_DEMO_PREFIX']}of-another-program`
    execFileSync('ip', ['netns', 'add', name])
    try {
      t.equal((await runProgram(['demo'], { env })).exitCode, 0)
      t.equal(left().split(' ')[0], name)
    } finally {
      execFileSync('ip', ['netns', 'delete', name])
    }
  })

  await t.test('removes what a killed demo has left', async t => {
    const { env, left } = isolatedDemo()
    const { child } = await startDemoUntil(t, /a change of objects/, ['--keep'], env)
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    t.not(left(), '')
    t.equal((await runProgram(['demo'], { env })).exitCode, 0)
    t.equal(left(), '')
    t.notOk(existsSync(`/etc/netns/${env['KUBE_PROXY_DEMO_PREFIX']}client`))
  })

  await t.test('with --keep runs until Ctrl-C, and the commands that it prints work', async t => {
    const { env, left } = isolatedDemo()
    const { child, text } = await startDemoUntil(t, /a change of objects .*\n/, ['--keep'], env)
    const commandFor = (what: string) => new RegExp(`${what} +(.*)`).exec(text())![1]!.replace(/ +\(.*\)$/, '')
    t.match(
      execFileSync('sh', ['-c', commandFor('rules and counters')], { encoding: 'utf8' }),
      /KUBE-PORTALS-CONTAINER/,
    )
    if (existsSync('/usr/bin/curl')) {
      t.match(
        execFileSync('sh', ['-c', commandFor('which Pod answers')], { encoding: 'utf8' }),
        /This is Pod nginx-deployment-\d/,
      )
      t.match(
        execFileSync('sh', ['-c', commandFor('metrics of kube-proxy')], { encoding: 'utf8' }),
        /kubeproxy_userspace_connections_total/,
      )
    }
    const kill = commandFor('a Pod that dies')
    execFileSync('sh', ['-c', kill])
    // Until the process has exited, the kernel accepts connections for it and then resets them.
    while (existsSync(`/proc/${kill.replace('kill ', '')}`)) await setTimeout(10)
    if (existsSync('/usr/bin/curl')) {
      for (let i = 0; i < 3; i++)
        t.match(execFileSync('sh', ['-c', commandFor('which Pod answers')], { encoding: 'utf8' }), /This is Pod/)
    }
    child.kill('SIGINT')
    t.equal(((await once(child, 'exit')) as [number])[0], 0)
    t.equal(left(), '')
    t.notOk(existsSync(`/etc/netns/${env['KUBE_PROXY_DEMO_PREFIX']}client`))
  })

  await t.test('removes everything when its output is closed', async t => {
    const { env, left } = isolatedDemo()
    const { child } = await startDemoUntil(t, /1\. The objects/, [], env)
    child.stdout.destroy()
    await once(child, 'exit')
    t.equal(left(), '')
  })

  await t.test('fails when another demo is running', async t => {
    const { env } = isolatedDemo()
    const { child: first } = await startDemoUntil(t, /1\. The objects/, ['--keep'], env)
    const second = await runProgram(['demo'], { env })
    t.equal(second.exitCode, 1)
    t.match(second.stderr, /Another demo is running/)
    first.kill('SIGTERM')
    await once(first, 'exit')
  })
})
