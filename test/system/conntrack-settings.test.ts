import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { type ConntrackConfig } from '../../lib/config/kube-proxy-config.js'
import { HASHSIZE_FILE, applyConntrackSettings, computeConntrackWrites } from '../../lib/system/conntrack-settings.js'
import { type KernelFiles } from '../../lib/system/kernel-files.js'
import { RecordingLog } from '../support/log/recording-log.js'
import { NodeProcess } from '../support/nodes/node-process.js'
import { NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'

const NOTHING_CONFIGURED: ConntrackConfig = {
  maxPerCore: 0,
  min: 131_072,
  tcpEstablishedTimeout: 0,
  tcpCloseWaitTimeout: 0,
  tcpBeLiberal: false,
  udpTimeout: 0,
  udpStreamTimeout: 0,
}
/** The defaults of the flags. */
const DEFAULTS: ConntrackConfig = {
  ...NOTHING_CONFIGURED,
  maxPerCore: 32_768,
  tcpEstablishedTimeout: 86_400_000,
  tcpCloseWaitTimeout: 3_600_000,
}
/** Values of Linux on a machine with a few gigabytes. */
const KERNEL: Readonly<Record<string, number>> = {
  max: 65_536,
  hashsize: 16_384,
  tcp_timeout_established: 432_000,
  tcp_timeout_close_wait: 60,
  tcp_be_liberal: 0,
  udp_timeout: 30,
  udp_timeout_stream: 120,
}

/** `/proc/sys/net/netfilter/nf_conntrack_max` is `max`, the file of the hash table `hashsize`. */
function nameOf(file: string): string {
  return file === HASHSIZE_FILE ? 'hashsize' : file.replace('/proc/sys/net/netfilter/nf_conntrack_', '')
}

void t.test('only settings that are configured and differ are written', t => {
  const table: readonly (readonly [
    why: string,
    desired: Partial<ConntrackConfig>,
    cpus: number,
    kernel: Readonly<Record<string, number | undefined>>,
    writes: Readonly<Record<string, number>>,
  ])[] = [
    [
      'the defaults, on two CPUs',
      DEFAULTS,
      2,
      {},
      { max: 131_072, hashsize: 32_768, tcp_timeout_established: 86_400, tcp_timeout_close_wait: 3600 },
    ],
    ['nothing configured', {}, 2, {}, {}],
    ['per core above the floor', { maxPerCore: 32_768 }, 8, {}, { max: 262_144, hashsize: 65_536 }],
    ['per core below the floor', { maxPerCore: 1 }, 8, {}, { max: 131_072, hashsize: 32_768 }],
    ['no floor', { maxPerCore: 10_000, min: 0 }, 8, {}, { max: 80_000, hashsize: 20_000 }],
    ['CPUs that cannot be counted', { maxPerCore: 32_768 }, 0, {}, { max: 131_072, hashsize: 32_768 }],
    ['0 per core: the floor does not apply', { maxPerCore: 0, min: 1_000_000 }, 8, {}, {}],
    ['a table with the right size', { maxPerCore: 1 }, 1, { max: 131_072, hashsize: 32_768 }, {}],
    ['a table that is larger', { maxPerCore: 1 }, 1, { max: 1_000_000, hashsize: 250_000 }, {}],
    ['only few buckets', { maxPerCore: 1 }, 1, { max: 131_072 }, { hashsize: 32_768 }],
    ['only few entries', { maxPerCore: 1 }, 1, { hashsize: 40_000 }, { max: 131_072 }],
    ['a part of a bucket', { maxPerCore: 131_075 }, 1, { hashsize: 32_768 }, { max: 131_075 }],
    ['more than the kernel counts', { maxPerCore: 2 ** 31 - 1 }, 64, {}, { max: 2_147_483_647, hashsize: 536_870_911 }],
    ['a longer time', { tcpCloseWaitTimeout: 61_000 }, 1, {}, { tcp_timeout_close_wait: 61 }],
    ['a shorter time', { tcpEstablishedTimeout: 1000 }, 1, {}, { tcp_timeout_established: 1 }],
    ['the same time', { tcpCloseWaitTimeout: 60_000 }, 1, {}, {}],
    ['part of a second', { udpTimeout: 1 }, 1, {}, { udp_timeout: 1 }],
    ['seconds and a part', { udpStreamTimeout: 1001 }, 1, {}, { udp_timeout_stream: 2 }],
    ['UDP', { udpTimeout: 5000, udpStreamTimeout: 6000 }, 1, {}, { udp_timeout: 5, udp_timeout_stream: 6 }],
    ['liberal', { tcpBeLiberal: true }, 1, {}, { tcp_be_liberal: 1 }],
    ['liberal already', { tcpBeLiberal: true }, 1, { tcp_be_liberal: 1 }, {}],
    ['liberal by another program', { tcpBeLiberal: false }, 1, { tcp_be_liberal: 1 }, {}],
    [
      'unreadable files are written',
      { maxPerCore: 1, udpTimeout: 5000 },
      1,
      { max: undefined, hashsize: undefined, udp_timeout: undefined },
      { max: 131_072, hashsize: 32_768, udp_timeout: 5 },
    ],
  ]
  for (const [why, desired, cpus, differs, expected] of table) {
    const kernel = { ...KERNEL, ...differs }
    const writes = computeConntrackWrites({ ...NOTHING_CONFIGURED, ...desired }, cpus, file => kernel[nameOf(file)])
    t.strictSame(Object.fromEntries(writes.map(({ file, value }) => [nameOf(file), value])), expected, why)
  }
  t.end()
})

void t.test('failed writes are one warning for each reason, and the others are done', t => {
  const kernel = new Map<string, number>(Object.entries(KERNEL))
  const files: KernelFiles = {
    read: file => kernel.get(nameOf(file)),
    write: (file, value) => {
      if (file === HASHSIZE_FILE) throw new Error('no memory')
      if (/max|established/.test(file)) throw Object.assign(new Error('EROFS: read-only'), { code: 'EROFS' })
      kernel.set(nameOf(file), value)
    },
  }
  const log = new RecordingLog()
  const { written, failed } = applyConntrackSettings(DEFAULTS, log, files, 1)
  t.equal(kernel.get('tcp_timeout_close_wait'), 3600)
  t.strictSame(
    written.map(({ file }) => nameOf(file)),
    ['tcp_timeout_close_wait'],
  )
  t.strictSame(
    failed.map(({ file }) => nameOf(file)),
    ['max', 'hashsize', 'tcp_timeout_established'],
  )
  t.match(
    log.entries.filter(({ severity }) => severity === 'warn').map(({ fields }) => fields),
    [
      { settings: 'nf_conntrack_max=131072 nf_conntrack_tcp_timeout_established=86400', reason: 'EROFS' },
      { settings: 'hashsize=32768', reason: 'no memory' },
    ],
  )
  kernel.set('max', 200_000).set('hashsize', 50_000).set('tcp_timeout_established', 86_400)
  const again = new RecordingLog()
  t.strictSame(applyConntrackSettings(DEFAULTS, again, files, 1), { written: [], failed: [] })
  t.strictSame(again.entries, [], 'without writes there is no log entry')
  t.end()
})

void t.test('in a kernel', { skip: namespacesUnavailable }, async t => {
  const network = await NodeNetwork.create(t)
  // A namespace has these files even without a rule that needs connection tracking.
  const sysctl = async (name: string): Promise<number> =>
    Number((await network.node.run('sysctl', ['-n', `net.netfilter.nf_conntrack_${name}`])).stdout)
  const inside = new NodeProcess(network, 'kernel/conntrack-entry')
  const apply = async (desired: Partial<ConntrackConfig>, cpus = 1) => {
    const answer = await inside.sendCommand({ apply: { ...NOTHING_CONFIGURED, ...desired }, cpus })
    const { written, failed } = JSON.parse(answer) as ReturnType<typeof applyConntrackSettings>
    return { written: written.map(({ file }) => nameOf(file)), failed: failed.map(({ file }) => nameOf(file)) }
  }

  await t.test('longer and shorter timeouts are written, and a second time nothing is', async t => {
    const desired: Partial<ConntrackConfig> = {
      tcpEstablishedTimeout: 86_400_000,
      tcpCloseWaitTimeout: 3_600_000,
      tcpBeLiberal: true,
      udpTimeout: 17_000,
      udpStreamTimeout: 18_000,
    }
    t.strictSame(await apply(desired), {
      written: [
        'tcp_timeout_established',
        'tcp_timeout_close_wait',
        'udp_timeout',
        'udp_timeout_stream',
        'tcp_be_liberal',
      ],
      failed: [],
    })
    t.equal(await sysctl('tcp_timeout_established'), 86_400)
    t.equal(await sysctl('tcp_timeout_close_wait'), 3600)
    t.equal(await sysctl('tcp_be_liberal'), 1)
    t.equal(await sysctl('udp_timeout'), 17)
    t.equal(await sysctl('udp_timeout_stream'), 18)
    t.strictSame(await apply(desired), { written: [], failed: [] })
    t.strictSame(JSON.parse(await inside.sendCommand({ warnings: true })), [])
  })

  await t.test(
    'the size of the table cannot be written from a namespace: a warning, and the others are written',
    async t => {
      // The kernel accepts both from the machine's first network namespace only, also from root.
      const before = await sysctl('max')
      const more = 4 * Number(readFileSync(HASHSIZE_FILE, 'utf8')) + before
      t.strictSame(await apply({ maxPerCore: more, min: 0, udpTimeout: 19_000 }), {
        written: ['udp_timeout'],
        failed: ['max', 'hashsize'],
      })
      t.equal(await sysctl('max'), before)
      t.equal(await sysctl('udp_timeout'), 19)
      const warnings = JSON.parse(await inside.sendCommand({ warnings: true })) as {
        settings: string
        reason: string
      }[]
      t.match(warnings.map(({ settings }) => settings).join(' '), `nf_conntrack_max=${more}`)
      t.ok(
        warnings.every(({ reason }) => /^E[A-Z]+$/.test(reason)),
        JSON.stringify(warnings),
      )
    },
  )

  await t.test(
    'with a read-only /proc/sys, as in a container, nothing is written and there is one warning',
    async t => {
      const entry = fileURLToPath(new URL('../support/kernel/conntrack-entry.js', import.meta.url))
      const script = 'mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec "$@"'
      const child = network.start(network.node, 'unshare', ['-m', 'sh', '-c', script, 'sh', process.execPath, entry])
      child.stderr!.pipe(process.stderr)
      const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
      const command = async (request: object): Promise<unknown> => {
        child.stdin!.write(`${JSON.stringify(request)}\n`)
        return JSON.parse(String((await lines.next()).value))
      }
      const desired = { ...NOTHING_CONFIGURED, udpTimeout: 20_000, udpStreamTimeout: 21_000 }
      t.match(await command({ apply: desired, cpus: 1 }), { written: [], failed: [{ value: 20 }, { value: 21 }] })
      t.match(await command({ warnings: true }), [
        { settings: 'nf_conntrack_udp_timeout=20 nf_conntrack_udp_timeout_stream=21', reason: 'EROFS' },
      ])
      t.not(await sysctl('udp_timeout'), 20)
    },
  )
})
