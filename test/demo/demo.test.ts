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

/** Starts a demo and resolves once it has written what matches. Its output goes on being read: a closed pipe would end it. */
async function startDemoUntil(t: Test, pattern: RegExp, args: readonly string[], env: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, [PROXY_PROGRAM, 'demo', ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  // After a failure it would stay for ever.
  t.teardown(() => child.kill('SIGINT'))
  let text = ''
  child.stdout.on('data', chunk => (text += String(chunk)))
  while (!pattern.test(text)) await once(child.stdout, 'data')
  return { child, text: () => text }
}

/** What the classic example has to show, whoever runs it. */
function checkExampleOutput(t: Test, stdout: string): void {
  t.notMatch(stdout, /\x1b/, 'plain text when piped')
  t.notMatch(stdout, /✗/)
  t.match(stdout, /nginx-deployment +3\/3/)
  t.match(stdout, /nginx-service +10\.96\.0\.10 +80\/TCP/)
  t.match(stdout, /Chain KUBE-PORTALS-CONTAINER[^]* DNAT .*10\.96\.0\.10 .*tcp dpt:80 to:192\.168\.50\.1:\d+/)
  const nine = /Nine requests[^]*?answered by/.exec(stdout)?.[0]
  t.equal(nine?.match(/^ +\d +http:\/\/nginx-service:80 +nginx-deployment-[123] /gm)?.length, 9, 'requests by name')
  t.match(stdout, /answered by 3 Pods: 3 \+ 3 \+ 3/)
  t.match(stdout, /the rule for 10\.96\.0\.10 has counted 9 connections for nine requests/)
  t.match(stdout, /six requests of one client, all answered by one Pod/)
  t.match(stdout, /0 of nine requests lost/)
  t.match(stdout, /answered by 5 Pods: 2 \+ 2 \+ 2 \+ 2 \+ 2/)
  t.match(stdout, /the client sees: ECONNREFUSED/)
  t.match(stdout, /TXT whoami\? +coredns-[12]/)
  t.match(stdout, /A nginx-service\? 10\.96\.0\.10/)
  t.match(stdout, /All as it should be/)
}

t.test('the demo', { skip: namespacesUnavailable, timeout: 180_000 }, async t => {
  await t.test('tells the same story in iptables mode, where counters show that another way was taken', async t => {
    const { env, left } = isolatedDemo()
    const { exitCode, stdout, stderr } = await runProgram(['demo', '--proxy-mode=iptables'], { env })
    t.equal(exitCode, 0, stderr)
    t.notMatch(stdout, /✗/)
    t.match(stdout, /Chain KUBE-SERVICES[^]* KUBE-SVC-\S+ .*10\.96\.0\.10 .*tcp dpt:80/)
    t.match(stdout, /statistic mode random probability 0\.3333/)
    t.match(stdout, /the rule in KUBE-SERVICES for 10\.96\.0\.10 has counted 9 connections for nine requests/)
    const seen = /Nine requests[^]*?answered by/.exec(stdout)?.[0].match(/nginx-deployment-[123] +10\.244\.0\.2$/gm)
    t.equal(seen?.length, 9, 'the Pods saw the client itself')
    t.match(stdout, /six requests of one client, all answered by one Pod/)
    t.match(stdout, /with the endpoint gone no request is lost/)
    t.match(stdout, /the client sees: ECONNREFUSED/)
    t.equal(left(), '')
  })

  const hasIpvs = ipvsUnavailable === false && 'this kernel has IPVS'
  await t.test('a mode that cannot be had here is named, with what is missing', { skip: hasIpvs }, async t => {
    const { env, left } = isolatedDemo()
    const { exitCode, stderr } = await runProgram(['demo', '--proxy-mode=ipvs'], { env })
    t.equal(exitCode, 1)
    t.match(stderr, /Cannot serve in mode "ipvs" on this node/)
    t.equal(left(), '')
  })

  await t.test('shows all steps and leaves nothing behind', async t => {
    const { env, left } = isolatedDemo()
    const { exitCode, stdout, stderr } = await runProgram(['demo'], { env })
    t.equal(exitCode, 0, stderr)
    checkExampleOutput(t, stdout)
    t.equal(left(), '')
  })

  await t.test('runs as an ordinary user, where user namespaces are allowed', async t => {
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

  await t.test("runs a learner's own Deployment and Service, over TCP and UDP", async t => {
    const folder = mkdtempSync(join(tmpdir(), 'learner-'))
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
  # More than two, and the rules of the address have a chain of their own.
  ports: [{name: web, port: 8000, targetPort: http}, {name: other, port: 8001, targetPort: http}, {name: q, port: 99, protocol: UDP}]
`,
    )
    const { env, left } = isolatedDemo()
    const { exitCode, stdout, stderr } = await runProgram(['demo', '--manifest', manifest], { env })
    t.equal(exitCode, 0, stderr)
    t.match(stdout, /http:\/\/my-service:8000 +my-app-\d/)
    t.match(stdout, /Chain KUBE-ADDR-[^]* DNAT .* tcp dpt:8001 to:/)
    t.match(stdout, /my-service:99\/UDP +my-app-\d/)
    t.match(stdout, /All as it should be/)
    t.equal(left(), '')
  })

  await t.test('a manifest with a mistake ends it before anything is made', async t => {
    const { env, left } = isolatedDemo()
    const { exitCode, stdout, stderr } = await runProgram(['demo', '--manifest', '/nonexistent.yaml'], { env })
    t.equal(exitCode, 1)
    t.match(stderr, /MANIFEST_INVALID/)
    t.equal(stdout, '')
    t.equal(left(), '')
  })

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    await t.test(`${signal} at any moment takes everything away`, async t => {
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

  await t.test('Ctrl-C, which goes to every program of the terminal, twice in a row takes everything away', async t => {
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

  await t.test("a network namespace of somebody else stays, also when its name begins like the demo's", async t => {
    const { env, left } = isolatedDemo()
    const name = `${env['KUBE_PROXY_DEMO_PREFIX']}of-somebody-else`
    execFileSync('ip', ['netns', 'add', name])
    try {
      t.equal((await runProgram(['demo'], { env })).exitCode, 0)
      t.equal(left().split(' ')[0], name)
    } finally {
      execFileSync('ip', ['netns', 'delete', name])
    }
  })

  await t.test('what a demo that was killed has left is removed by the next one', async t => {
    const { env, left } = isolatedDemo()
    const { child } = await startDemoUntil(t, /what a change does/, ['--keep'], env)
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    t.not(left(), '')
    t.equal((await runProgram(['demo'], { env })).exitCode, 0)
    t.equal(left(), '')
    t.notOk(existsSync(`/etc/netns/${env['KUBE_PROXY_DEMO_PREFIX']}client`))
  })

  await t.test('--keep stays until Ctrl-C, and what it says to type works', async t => {
    const { env, left } = isolatedDemo()
    const { child, text } = await startDemoUntil(t, /what a change does .*\n/, ['--keep'], env)
    const typed = (what: string) => new RegExp(`${what} +(.*)`).exec(text())![1]!.replace(/ +\(.*\)$/, '')
    t.match(execFileSync('sh', ['-c', typed('rules and counters')], { encoding: 'utf8' }), /KUBE-PORTALS-CONTAINER/)
    if (existsSync('/usr/bin/curl')) {
      t.match(execFileSync('sh', ['-c', typed('who answers')], { encoding: 'utf8' }), /This is Pod nginx-deployment-\d/)
      t.match(
        execFileSync('sh', ['-c', typed('what kube-proxy counts')], { encoding: 'utf8' }),
        /kubeproxy_userspace_connections_total/,
      )
    }
    const kill = typed('what a dead Pod does')
    execFileSync('sh', ['-c', kill])
    // Until it has ended the kernel takes connections for it, and breaks them off then.
    while (existsSync(`/proc/${kill.replace('kill ', '')}`)) await setTimeout(10)
    if (existsSync('/usr/bin/curl')) {
      for (let i = 0; i < 3; i++)
        t.match(execFileSync('sh', ['-c', typed('who answers')], { encoding: 'utf8' }), /This is Pod/)
    }
    child.kill('SIGINT')
    t.equal(((await once(child, 'exit')) as [number])[0], 0)
    t.equal(left(), '')
    t.notOk(existsSync(`/etc/netns/${env['KUBE_PROXY_DEMO_PREFIX']}client`))
  })

  await t.test('nobody reads any more: everything is taken away', async t => {
    const { env, left } = isolatedDemo()
    const { child } = await startDemoUntil(t, /1\. The objects/, [], env)
    child.stdout.destroy()
    await once(child, 'exit')
    t.equal(left(), '')
  })

  await t.test('a second demo says that one is running', async t => {
    const { env } = isolatedDemo()
    const { child: first } = await startDemoUntil(t, /1\. The objects/, ['--keep'], env)
    const second = await runProgram(['demo'], { env })
    t.equal(second.exitCode, 1)
    t.match(second.stderr, /Another demo is running/)
    first.kill('SIGTERM')
    await once(first, 'exit')
  })
})
