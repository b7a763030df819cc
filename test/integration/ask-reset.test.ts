import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { askQuestion } from '../../lib/ask/ask-question.js'
import { type Lab } from '../../lib/ask/lab.js'
import { lookUpName } from '../../lib/ask/look-up-name.js'
import { QUESTIONS } from '../../lib/ask/questions.js'
import { type DemoCluster } from '../../lib/demo/demo-cluster.js'
import { type NetworkNamespace } from '../../lib/demo/network-namespace.js'
import { startLab } from '../support/ask/start-lab.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'

/** What experiments change that no lever changes: the question, and the command. */
const CHANGES: readonly (readonly [question: number, command: RegExp])[] = [
  [3, /^iptables -t mangle -A /],
  [10, /ip address add /],
  [10, /^iptables -t nat -A POSTROUTING /],
  [10, /iptables-restore/],
  [14, /^sysctl -w .*route_localnet=0/],
  [17, /^ip link set .* down/],
  [22, /^sysctl -w .*nf_conntrack_acct=1/],
  [22, /^bash /],
  [22, /^ip link set .* down/],
  [23, /^iptables -t raw -A /],
  // It needs br_netfilter, whose setting is often as wanted from the start.
  ...(existsSync('/proc/sys/net/bridge/bridge-nf-call-iptables') ? [[16, /hairpin on/] as const] : []),
]

/** A lab in which the experiment fails right after this command. */
function failAfter(lab: Lab, command: RegExp): Lab {
  let hasRun = false
  let hasFailed = false
  return new Proxy(lab, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args: readonly unknown[]): unknown => {
        if (hasFailed) return Reflect.apply(value, target, args)
        if (hasRun) {
          hasFailed = true
          throw new Error('cut short')
        }
        const words = name === 'run' || name === 'start' || name === 'shell' ? args.slice(1) : []
        hasRun = command.test(words.join(' '))
        return Reflect.apply(value, target, args)
      }
    },
  })
}

/** What experiments may have left in the cluster. */
async function stateOf({ network: { node, outside }, client }: DemoCluster) {
  const lines = async (where: NetworkNamespace, program: string, ...args: readonly string[]) =>
    (await where.run(program, args)).stdout.split('\n').filter(line => line !== '')
  const rulesOf = async (where: NetworkNamespace) =>
    (await lines(where, 'iptables-save'))
      .filter(line => /^-A |^:\S+ - /.test(line) && !line.includes('KUBE-'))
      .map(line => line.replace(/ \[\d+:\d+\]$/, ''))
  const links = await lines(node, 'ip', '-d', '-o', 'link')
  const pids = execFileSync('ip', ['netns', 'pids', client.namespace.name], { encoding: 'utf8' }).trim().split('\n')
  const settings = ['net.ipv4.conf.all.route_localnet', 'net.netfilter.nf_conntrack_acct']
  return {
    rules: await rulesOf(node),
    rulesOutside: await rulesOf(outside),
    addressesOutside: await lines(outside, 'ip', '-o', '-4', 'address'),
    settings: await lines(node, 'sysctl', ...settings),
    linksDown: links.filter(line => /: veth/.test(line) && !/[<,]UP[,>]/.test(line)),
    hairpinPorts: links.filter(line => line.includes('hairpin on')),
    bridgeCallsIptables: await lines(node, 'sysctl', '-e', 'net.bridge.bridge-nf-call-iptables'),
    programs: pids.map(nameOf).filter(name => name === 'bash'),
  }
}

/** The name of a program; empty if it has just ended. */
function nameOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return ''
  }
}

t.test(
  'what an experiment has changed before it failed is undone by the reset before the next one',
  { skip: namespacesUnavailable, timeout: 120_000 * TIMEOUT_FACTOR },
  async t => {
    const { lab, cluster } = await startLab(t, 'reset')
    // The proxy changes settings of the kernel itself.
    await lab.setMode('iptables')
    await lab.reset()
    const before = await stateOf(cluster)
    for (const [number, command] of CHANGES) {
      const question = QUESTIONS.find(each => each.number === number)!
      const cutShort = { message: 'cut short' }
      await t.rejects(askQuestion(question, failAfter(lab, command)), cutShort, `${number}: ${command.source}`)
      t.strictNotSame(await stateOf(cluster), before, 'the change was there')
      await lab.reset()
      t.strictSame(await stateOf(cluster), before)
    }
  },
)

t.test(
  'question 22 does not count the flows of an experiment before it',
  { skip: namespacesUnavailable, timeout: 60_000 * TIMEOUT_FACTOR },
  async t => {
    const { lab } = await startLab(t, 'reset')
    // kube-proxy deletes the entries of these, too, when it changes its mode.
    for (let flow = 0; flow < 3; flow++) t.not((await lookUpName(lab, lab.service.name)).address, '')
    const question = QUESTIONS.find(({ number }) => number === 22)!
    const { holds, values, steps } = await askQuestion(question, lab)
    t.ok(holds, JSON.stringify(steps, undefined, 1))
    t.equal(values['deleted'], 1)
  },
)
