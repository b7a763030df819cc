import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { type NodeReport } from '../../lib/check/node-report.js'
import { readKernelState } from '../support/kernel/read-kernel-state.js'
import { ipvsUnavailable } from '../support/nodes/ipvs-unavailable.js'
import { NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { FaultyProgram } from '../support/processes/faulty-program.js'
import { runProgram } from '../support/processes/run-program.js'

t.test('kube-proxy check', { skip: namespacesUnavailable }, async t => {
  const network = await NodeNetwork.create(t)
  const through = ['ip', 'netns', 'exec', network.node.name]
  const check = async (args: readonly string[] = [], env?: NodeJS.ProcessEnv) => {
    const result = await runProgram(['check', '-o', 'json', ...args], { through, ...(env && { env }) })
    const report = (result.stdout === '' ? undefined : JSON.parse(result.stdout)) as NodeReport
    return { ...result, report, modes: new Map(report?.modes.map(each => [each.mode, each])) }
  }
  for (const backEnd of ['nft', 'legacy'])
    await t.test(`it leaves all as it is, also rules of other programs (${backEnd} back end)`, async t => {
      const [rule, rule6] = [
        ['-t', 'nat', '-A', 'OUTPUT', '-d', '192.0.2.7', '-j', 'RETURN'],
        ['-A', 'FORWARD', '-m', 'comment', '--comment', 'mine', '-j', 'DROP'],
      ]
      // By this chain, the kubelet marks the back end of the node.
      const hint = ['-t', 'mangle', '-N', 'KUBE-IPTABLES-HINT']
      await network.node.run(`iptables-${backEnd}`, rule)
      await network.node.run(`ip6tables-${backEnd}`, rule6)
      await network.node.run(`iptables-${backEnd}`, hint)
      const before = await readKernelState(network.node)
      t.match(before.get(`iptables-${backEnd}-save`), [/KUBE-IPTABLES-HINT/, /192\.0\.2\.7/])
      t.match(before.get(`ip6tables-${backEnd}-save`), [/mine/])
      t.match(before.get('ip -o link')!.join('\n'), /eth0/)
      t.equal((await check()).exitCode, 0)
      t.strictSame(await readKernelState(network.node), before, 'and it leaves nothing of its own')
      await network.node.run(`iptables-${backEnd}`, ['-t', 'mangle', '-F'])
      await network.node.run(`iptables-${backEnd}`, ['-t', 'mangle', '-X', 'KUBE-IPTABLES-HINT'])
    })

  await t.test('on a node that has everything, the modes work, and the first one is chosen', async t => {
    const { exitCode, report, modes } = await check()
    t.equal(exitCode, 0)
    t.equal(report.chosenMode, 'userspace')
    for (const mode of ['userspace', 'iptables']) t.match(modes.get(mode), { works: true, missing: [] })
    t.match(report.programs.find(({ program }) => program === 'iptables')?.version, /^v1\./)
    for (const { limit, value } of report.limits) t.ok(value! > 0, limit)
  })

  await t.test('a match that the kernel lacks is named, with its option, its module and advice', async t => {
    const noComment = new FaultyProgram(t, '/usr/sbin/iptables-nft-restore', 's/-m comment/-m nowhere/')
    const { exitCode, report, modes } = await check([], noComment.env)
    t.equal(exitCode, 1)
    t.equal(report.chosenMode, null)
    for (const { mode, works, missing } of modes.values()) {
      t.equal(works, false, mode)
      const ofRules = missing.filter(({ family }) => family !== null)
      t.equal(ofRules.length, 1, 'nothing else is missing, and nothing of IPv6')
      t.match(ofRules[0], {
        what: '-m comment',
        family: 'IPv4',
        kernelOptions: [{ option: 'CONFIG_NFT_COMPAT' }, { option: 'CONFIG_NETFILTER_XT_MATCH_COMMENT' }],
        module: 'xt_comment',
        reason: /nowhere/,
        advice: /./,
      })
    }
  })

  await t.test(
    'a table that the kernel lacks is named with the options of the back end that the node uses',
    async t => {
      const tableOptions = async (programs: string) => {
        const noTable = new FaultyProgram(t, `/usr/sbin/${programs}-restore`, 's/^[*]nat/*nowhere/')
        const missing = (await check([], noTable.env)).modes.get('iptables')!.missing
        const table = missing.find(({ what, family }) => what === '-t nat' && family === 'IPv4')
        return table?.kernelOptions.map(({ option }) => option)
      }
      t.same(await tableOptions('iptables-nft'), ['CONFIG_NF_TABLES', 'CONFIG_NF_TABLES_IPV4', 'CONFIG_NFT_NAT'])
      // The kubelet marks the back end of the node.
      const hint = ['-t', 'mangle', '-N', 'KUBE-IPTABLES-HINT']
      await network.node.run('iptables-legacy', hint)
      t.same(await tableOptions('iptables-legacy'), ['CONFIG_IP_NF_NAT'])
      await network.node.run('iptables-legacy', ['-t', 'mangle', '-X', 'KUBE-IPTABLES-HINT'])
    },
  )

  await t.test('a mode that serves without a feature works, and the feature is named', async t => {
    const noRecent = new FaultyProgram(t, '/usr/sbin/ip6tables-nft-restore', 's/-m recent/-m nowhere/')
    const { exitCode, report, modes } = await check(['--proxy-mode=iptables'], noRecent.env)
    t.equal(exitCode, 0)
    t.equal(report.chosenMode, 'iptables')
    t.match(modes.get('iptables'), { works: true, missing: [{ what: '-m recent', family: 'IPv6' }] })
    t.match(modes.get('userspace'), { works: true, missing: [] })
  })

  await t.test('a target that the kernel lacks takes only the modes that need it', async t => {
    const noMasquerade = new FaultyProgram(t, '/usr/sbin/iptables-nft-restore', 's/-j MASQUERADE/-j NOWHERE/')
    const { report, modes } = await check(['--proxy-mode=iptables,userspace'], noMasquerade.env)
    t.equal(report.chosenMode, 'userspace')
    t.match(modes.get('iptables'), { works: false, missing: [{ what: '-j MASQUERADE', module: 'xt_MASQUERADE' }] })
    t.match(modes.get('userspace'), { works: true })
  })

  await t.test(
    'without IPVS, ipvs mode says what to get',
    { skip: ipvsUnavailable === false && 'has IPVS' },
    async t => {
      const { exitCode, modes } = await check(['--proxy-mode=ipvs'])
      t.equal(exitCode, 1)
      const missing = modes.get('ipvs')!.missing.map(({ kernelOptions }) => kernelOptions[0]?.option)
      t.ok(missing.includes('CONFIG_IP_VS'), missing.join(' '))
    },
  )

  await t.test('without permission or without iptables, every mode says so, and the exit code is 1', async t => {
    const unprivileged = [
      ...through,
      'setpriv',
      '--bounding-set=-all',
      '--inh-caps=-all',
      '--reuid=65534',
      '--clear-groups',
    ]
    const forbidden = await runProgram(['check', '-o', 'json'], { through: unprivileged })
    t.equal(forbidden.exitCode, 1, forbidden.stderr)
    for (const { works, missing } of (JSON.parse(forbidden.stdout) as NodeReport).modes) {
      t.equal(works, false)
      t.match(missing, [{ what: 'iptables', advice: /NET_ADMIN/ }])
    }
    const withoutPrograms = await runProgram(['check', '-o', 'json'], { through: [...through, 'env', 'PATH=/nowhere'] })
    t.equal(withoutPrograms.exitCode, 1)
    const report = JSON.parse(withoutPrograms.stdout) as NodeReport
    t.equal(report.chosenMode, null)
    t.ok(report.programs.every(({ version }) => version === null))
    for (const { mode, missing } of report.modes) {
      const packages = missing.map(({ advice }) => /Install the package "([\w-]+)"/.exec(advice)?.[1])
      t.same(packages, mode === 'ipvs' ? ['iptables', 'ipvsadm', 'ipset', 'iproute2'] : ['iptables'], mode)
    }
  })

  await t.test('with iptables, but without the other programs of ipvs mode, it names their packages', async t => {
    const folder = mkdtempSync(join(tmpdir(), 'programs-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    for (const name of readdirSync('/usr/sbin').filter(name => /^(ip6?tables|xtables)/.test(name)))
      symlinkSync(`/usr/sbin/${name}`, join(folder, name))
    const options = { through: [...through, 'env', `PATH=${folder}`] }
    const { stdout } = await runProgram(['check', '-o', 'json'], options)
    const { modes } = JSON.parse(stdout) as NodeReport
    t.match(modes[0], { mode: 'userspace', works: true, missing: [] })
    const { works, missing } = modes.find(({ mode }) => mode === 'ipvs')!
    t.equal(works, false)
    for (const { what, advice } of missing) t.match(advice, /Install the package "(ipvsadm|ipset|iproute2)"/, what)
    t.equal(missing.length, 5, 'IPVS, sets, the interface, and rules of both families')
  })

  await t.test('for people it prints what works, what is missing and what would run', async t => {
    const noComment = new FaultyProgram(t, '/usr/sbin/iptables-nft-restore', 's/-m comment/-m nowhere/')
    const { exitCode, stdout } = await runProgram(['check'], { through, env: noComment.env })
    t.equal(exitCode, 1)
    t.match(stdout, /✗ mode userspace does not work/)
    t.match(stdout, /missing +-m comment \(IPv4\)/)
    t.match(stdout, /CONFIG_NETFILTER_XT_MATCH_COMMENT: /)
    t.match(stdout, /would not start on this node/)
    t.notMatch(stdout, /\x1b/, 'no colour in a pipe')
    const good = await runProgram(['check', '--proxy-mode=iptables'], { through })
    t.equal(good.exitCode, 0)
    t.match(good.stdout, /would run in mode iptables\./)
    const folder = mkdtempSync(join(tmpdir(), 'configuration-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'config.conf')
    const head = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n'
    writeFileSync(file, `${head}mode: iptables\n`)
    const fromFile = await runProgram(['check', `--config=${file}`], { through })
    t.match(fromFile.stdout, /would run in mode iptables\./)
    writeFileSync(file, `${head}mode: turbo\n`)
    const wrongFile = await runProgram(['check', `--config=${file}`], { through })
    t.match(wrongFile.stderr, /config\.conf:3: mode "turbo": expected userspace/)
  })

  await t.test('wrong arguments are an error that quotes them', async t => {
    const mode = await runProgram(['check', '--proxy-mode=turbo'], { through })
    t.equal(mode.exitCode, 1)
    t.match(mode.stderr, /--proxy-mode "turbo": expected userspace.*CONFIG_INVALID/s)
    const format = await runProgram(['check', '-o', 'yaml'], { through })
    t.equal(format.exitCode, 1)
    t.match(format.stderr, /yaml.*text.*json.*CONFIG_INVALID/s)
    const others = ['now', '--proxy-mod=ipvs', '--cluster-cidr=10.0.0.0/8', '--nonsense']
    const unknown = await runProgram(['check', ...others], { through })
    t.equal(unknown.exitCode, 1)
    t.equal(unknown.stdout, '', 'nothing is checked')
    for (const problem of [
      /--proxy-mod: unknown flag; did you mean --proxy-mode\?/,
      /--cluster-cidr: kube-proxy check does not use it/,
      /--nonsense: unknown flag/,
      /"now": unexpected argument/,
      /See kube-proxy check --help/,
    ])
      t.match(unknown.stderr, problem)
  })

  await t.test('flags of the proxy that change what it needs change what is checked', async t => {
    const requirements = async (...args: string[]) =>
      (await check(args)).modes.get('ipvs')!.missing.map(({ what }) => what)
    if (ipvsUnavailable !== false) {
      t.ok((await requirements()).includes('IPVS with the scheduler "rr"'))
      t.ok((await requirements('--ipvs-scheduler=sh')).includes('IPVS with the scheduler "sh"'))
    }
    const wrong = await runProgram(['check', '--ipvs-scheduler=best'], { through })
    t.equal(wrong.exitCode, 1)
    t.match(wrong.stderr, /--ipvs-scheduler "best": expected rr/)
  })

  await t.test('limits that are low come with advice', async t => {
    await network.node.run('sysctl', ['-qw', 'net.ipv4.ip_local_port_range=40000 40999'])
    const lowFiles = { through: [...through, 'prlimit', '--nofile=1024:1024'] }
    const { stdout } = await runProgram(['check', '-o', 'json'], lowFiles)
    const { limits } = JSON.parse(stdout) as NodeReport
    const named = (name: string) => limits.find(({ limit }) => limit === name)
    t.match(named('open files of a process'), { value: 1024, advice: /LimitNOFILE/ })
    t.match(named('source ports'), { value: 1000, advice: /ip_local_port_range/ })
    await network.node.run('sysctl', ['-qw', 'net.ipv4.ip_local_port_range=32768 60999'])
    const ample = (await check()).report.limits
    t.equal(ample.find(({ limit }) => limit === 'source ports')?.advice, null)
  })
})
