import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeServiceManifest } from '../support/api/manifests.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import { PROXY_PROGRAM } from '../support/processes/proxy-process.js'
import { isForCluster, readManualCommands } from '../support/processes/manual-commands.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'

const MANUALS = ['troubleshooting', 'operate', 'upgrade']
/** A file that the commands read, and that a machine with tests does not have. */
const CONFIGURATION = '/var/lib/kube-proxy/config.conf'
const skip = namespacesUnavailable || skipUnlessMode(['userspace'], 'the documents show what userspace mode prints')

/** Rules that a cleanup leaves: the kubelet has its own chains, and a chain that says which back end it uses. */
const RULES_OF_OTHERS = /KUBE-(FIREWALL|KUBELET-CANARY|IPTABLES-HINT)/

/** Matches a line of output with other numbers, other spaces, either back end of iptables, and anything in the place of `…`. */
function lineWithOtherNumbers(line: string): RegExp {
  const parts = line.trim().split(/(\d[\d.]*|\s+|nf_tables|…)/)
  const pattern = parts.map(part => {
    if (/^\d/.test(part)) return '[\\d.]+'
    if (/^\s/.test(part)) return '\\s+'
    if (part === 'nf_tables') return '(?:nf_tables|legacy)'
    return part === '…' ? '.*' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  })
  return new RegExp(`^\\s*${pattern.join('')}\\s*$`, 'm')
}

t.test('the commands of the manuals work on a node, and print what the manuals show', { skip }, async t => {
  const node = await ServiceNode.create(t, [])
  node.write(node.ips, makeServiceManifest('empty', { clusterIP: '10.96.0.11', port: 80 }))
  const proxy = await node.start()
  const folder = t.testdir({
    'config.conf': 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n',
  })
  mkdirSync(join(folder, 'bin'))
  writeFileSync(
    join(folder, 'bin', 'kube-proxy'),
    `#!/bin/sh\nunset NODE_OPTIONS\nexec '${process.execPath}' '${PROXY_PROGRAM}' "$@"\n`,
  )
  chmodSync(join(folder, 'bin', 'kube-proxy'), 0o755)
  // test/deploy/installation.test.ts runs those that need an API server.
  const readRules = async (): Promise<string> => {
    const saves = ['iptables-nft-save', 'iptables-legacy-save', 'ip6tables-nft-save', 'ip6tables-legacy-save']
    const outputs = await Promise.all(saves.map(program => node.network.node.run(program, [])))
    const lines = outputs.flatMap(({ stdout }) => stdout.split('\n'))
    return lines.filter(line => line.includes('KUBE-') && !RULES_OF_OTHERS.test(line)).join('\n')
  }
  const blocks = MANUALS.flatMap(readManualCommands).filter(({ commands }) => !isForCluster(commands))
  t.ok(blocks.length > 10, `${blocks.length} blocks`)
  for (const { manual, commands, output } of blocks) {
    const script = commands.replaceAll('/tmp/', `${folder}/`).replaceAll(CONFIGURATION, join(folder, 'config.conf'))
    const env = `PATH="${folder}/bin:$PATH"`
    const isCleanup = commands.includes('--cleanup')
    if (isCleanup) {
      t.equal(await proxy.stop(), 0)
      t.match(await readRules(), 'KUBE-', 'the kernel serves')
    }
    const { stdout, exitCode } = await node.network.node.run('bash', [
      '-c',
      `export ${env}; set -e; { ${script} } 2>&1`,
    ])
    const name = `${manual}: ${commands.trim().split('\n', 1)[0]}`
    // A block with output may show a command that fails.
    if (output === undefined) t.equal(exitCode, 0, `${name}\n${stdout}`)
    for (const line of (output ?? '').split('\n').filter(line => line !== ''))
      t.match(stdout, lineWithOtherNumbers(line), `${name} prints: ${line.slice(0, 80)}`)
    if (isCleanup) t.equal(await readRules(), '', `${name} removes all rules`)
  }
  t.match(blocks.at(-1)!.commands, '--cleanup', 'the commands before it were run beside a proxy that serves')
})
