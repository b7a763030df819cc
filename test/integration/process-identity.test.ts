import { spawn } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { ManifestFolder } from '../support/api/manifests.js'
import { NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'

const skip = namespacesUnavailable || skipUnlessMode(['userspace'], 'other modes have no workers')

/** What a program prints; empty if it finds nothing. */
async function output(program: string, ...args: string[]): Promise<string> {
  return text(spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] }).stdout)
}

function read(pid: number, file: string): string {
  return readFileSync(`/proc/${pid}/${file}`, 'utf8').trim()
}

function workersOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(child => {
      try {
        return (
          read(child, 'stat').split(') ').at(-1)!.split(' ')[1] === String(pid) && /worker/.test(read(child, 'cmdline'))
        )
      } catch {
        return false
      }
    })
}

async function start(t: Test, ...flags: string[]): Promise<ProxyProcess> {
  const network = await NodeNetwork.create(t)
  const manifests = new ManifestFolder(t)
  manifests.write()
  const proxy = new ProxyProcess(network, ['--manifests', manifests.path, '--data-plane-workers=2', ...flags])
  await proxy.waitForLine(/Synced rules" family="IPv4"/)
  return proxy
}

t.test('tools find the program by its name, once for each proxy', { skip }, async t => {
  const proxy = await start(t)
  const pid = proxy.child.pid!
  const workers = workersOf(pid)
  t.equal(workers.length, 2)
  for (const [program, ...args] of [
    ['pgrep', '-x', 'kube-proxy'],
    ['ps', '-C', 'kube-proxy', '-o', 'pid='],
    ['pidof', 'kube-proxy'],
  ] as const) {
    const found = (await output(program, ...args)).split(/\s+/).map(Number)
    t.ok(found.includes(pid), `${program} finds the control process`)
    t.notOk(
      workers.some(worker => found.includes(worker)),
      `${program} does not take a worker for the program`,
    )
  }
  t.match(await output('ps', '-p', String(pid), '-o', 'args='), /^kube-proxy -v=3 .*--data-plane-workers=2/)
  for (const worker of workers) t.match(await output('ps', '-p', String(worker), '-o', 'args='), /^kube-proxy worker/)
  t.equal(await proxy.stop(), 0)
})

t.test('oom_score_adj', { skip }, async t => {
  await t.test('the control process and its workers have the value of --oom-score-adj', async t => {
    // Every process may raise its value; to lower it needs CAP_SYS_RESOURCE, which not every machine gives to tests.
    const proxy = await start(t, '--oom-score-adj=345')
    const pids = [proxy.child.pid!, ...workersOf(proxy.child.pid!)]
    t.equal(pids.length, 3)
    for (const pid of pids) t.equal(read(pid, 'oom_score_adj'), '345')
    t.equal(await proxy.stop(), 0)
  })

  await t.test('the default is -999; where that is not allowed, one line says so', async t => {
    const proxy = await start(t)
    const pids = [proxy.child.pid!, ...workersOf(proxy.child.pid!)]
    const warnings = proxy.lines.filter(line => /oom_score_adj/.test(line))
    if (warnings.length === 0) for (const pid of pids) t.equal(read(pid, 'oom_score_adj'), '-999')
    else t.match(warnings, [/"Cannot set oom_score_adj; .*" value=-999 reason="(EACCES|EPERM)" hint=/])
    t.ok(warnings.length <= 1)
    t.equal(await proxy.stop(), 0)
  })
})
