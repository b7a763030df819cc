import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FLAGS } from '../lib/config/options.js'
import { BALANCER_NAMES } from '../lib/model/service-port.js'
import { decodeAnnotations } from '../lib/snapshot/decode-annotations.js'

/** The documents for operators, and what they name must exist. */
const MANUALS = ['operate', 'troubleshooting', 'upgrade', 'when-to-leave-userspace', 'health', 'modes', 'install'].map(
  name => `docs/${name}.md`,
)
/** Flags of other programs in their commands. */
const FLAGS_OF_OTHERS = [
  '--ppid',
  '--orig-dst',
  '--max-time',
  '--platform',
  '--tag',
  '--build-arg',
  '--also-stdout',
  '--redirect-stderr',
  '--comment',
  '--dport',
  '--to-destination',
  '--version',
  '--failures',
  '--field-selector',
  '--output',
  '--patch',
  '--all',
  '--type',
  '--from-file',
  '--dry-run',
  '--addon-name',
  '--kube-proxy-config',
]
/** How far a rounded figure may be from the median of a benchmark, as a part of it: machines differ more than that. */
const FIGURE_TOLERANCE = 0.35

const read = (file: string): string => readFileSync(join(process.cwd(), file), 'utf8')
const sources = readdirSync('lib', { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.ts'))
  .map(name => read(`lib/${name}`))
  .join('\n')
const metricsPage = read('docs/metrics.md')
const errorsPage = read('docs/errors.md')
const annotationsPage = read('docs/annotations.md')

/** What each manual has of a form, without repetition. */
function* mentions(pattern: RegExp): Generator<readonly [manual: string, text: string]> {
  for (const manual of MANUALS)
    for (const text of new Set([...read(manual).matchAll(pattern)].map(([whole, part]) => part ?? whole)))
      yield [manual, text]
}

t.test('every metric in a manual is in docs/metrics.md', t => {
  const found = [...mentions(/\b(?:kubeproxy|process|rest_client|kubernetes)_[a-z_]*[a-z]\b/g)]
  t.ok(found.length > 30, `${found.length} metrics`)
  for (const [manual, name] of found) {
    const metric = name.replace(/_(count|sum|bucket)$/, '')
    // A part of a name stands for all that begin with it.
    t.ok(new RegExp(`\`${metric}(_|\`)`).test(metricsPage), `${manual}: ${name}`)
  }
  t.end()
})

t.test('docs/upgrade.md: every command is in a block that a test runs', t => {
  t.notMatch(read('docs/upgrade.md'), /^ {4}\S+ /m)
  t.match(read('docs/upgrade.md'), /```sh\nkube-proxy --cleanup\n```/)
  t.end()
})

t.test('every error code in a manual is explained in docs/errors.md', t => {
  const found = [...mentions(/\[([A-Z]+_[A-Z_]+)\]\(errors/g), ...mentions(/\b([A-Z]+(?:_[A-Z]+)+) in docs\/errors/g)]
  t.ok(found.length > 20, `${found.length} codes`)
  for (const [manual, code] of found) t.ok(errorsPage.includes(`\n## ${code}\n`), `${manual}: ${code}`)
  t.end()
})

t.test('every error code in docs/errors.md can be found from a symptom or a log line', t => {
  const manuals = ['operate', 'troubleshooting'].map(name => read(`docs/${name}.md`)).join('\n')
  const codes = [...errorsPage.matchAll(/^## ([A-Z_]+)$/gm)].map(([, code]) => code!)
  // What the demo, a cleanup or a tool reports at once on the terminal, and what heals itself.
  const onTerminal = [
    ...['ASK_INVALID', 'CONFIG_NOT_WRITTEN', 'DEMO_IMPOSSIBLE', 'EXPLAIN_INVALID', 'DOCTOR_INVALID', 'LEARN_INVALID'],
    ...['CLEANUP_INCOMPLETE', 'MANIFEST_INVALID', 'NODE_GONE', 'OUTPUT_FAILED', 'STATUS_INVALID', 'STATUS_UNAVAILABLE'],
  ]
  const ofPrograms = ['PROGRAM_FAILED', 'IPVS_FAILED', 'IPSET_FAILED', 'INTERFACE_FAILED', 'TEMPORARY_FOLDER_FAILED']
  for (const code of codes.filter(code => ![...onTerminal, ...ofPrograms].includes(code)))
    t.ok(manuals.includes(code), code)
  t.end()
})

t.test('every log line in a manual is one that the program writes', t => {
  // A sentence in quotes that begins with a capital letter and is no value of something.
  const found = [...mentions(/(?<![=:\w])"([A-Z][a-z]+ [^"\n]{8,})"/g)]
  t.ok(found.length > 20, `${found.length} lines`)
  for (const [manual, line] of found) t.ok(sources.includes(line), `${manual}: ${line}`)
  t.end()
})

t.test('every flag, field and annotation in a manual exists', t => {
  const flags = new Set([...FLAGS.map(({ name }) => `--${name}`), ...FLAGS_OF_OTHERS])
  for (const [manual, flag] of mentions(/(?<![\w-])--[a-z][a-z-]*[a-z]/g)) t.ok(flags.has(flag), `${manual}: ${flag}`)
  for (const [manual, name] of mentions(/kube-proxy-node\/[a-z-]+/g)) {
    const isAnnotation = annotationsPage.includes(name)
    t.ok(isAnnotation || ['kube-proxy-node/lib', 'kube-proxy-node/sbom'].includes(name), `${manual}: ${name}`)
  }
  t.end()
})

t.test('docs/annotations.md has the annotations that the program reads, and the names of all balancers', t => {
  const asked = new Set<string>()
  const annotations = new Proxy({}, { get: (_, name) => void asked.add(String(name)) })
  decodeAnnotations({ annotations }, [])
  const headings = [...annotationsPage.matchAll(/^## (kube-proxy-node\/.*)$/gm)].flatMap(([, names]) =>
    names!.split(', '),
  )
  t.same([...asked].sort(), headings.sort())
  for (const name of BALANCER_NAMES) t.match(annotationsPage, `\`${name}\``)
  t.end()
})

t.test('every chain in a manual is one of the program or of the original kube-proxy', t => {
  const found = [...mentions(/\bKUBE-[A-Z-]*[A-Z]/g)]
  t.ok(found.length > 10, `${found.length} chains`)
  for (const [manual, chain] of found) t.ok(new RegExp(`${chain}(?![A-Z])`).test(sources), `${manual}: ${chain}`)
  t.end()
})

interface Results {
  readonly loads: readonly {
    readonly name: string
    readonly samples: Readonly<Record<string, readonly { readonly values: Readonly<Record<string, number | null>> }[]>>
  }[]
}

function median(file: string, load: string, contender: string, value: string): number {
  const { loads } = JSON.parse(read(`bench/results/${file}.json`)) as Results
  const samples = loads.find(({ name }) => name === load)?.samples[contender] ?? []
  const values = samples.map(({ values }) => values[value] ?? NaN).sort((a, b) => a - b)
  return values[Math.floor(values.length / 2)] ?? NaN
}

t.test('the rounded figures of the manuals are those of the benchmarks', t => {
  const OURS = 'kube-proxy-node'
  const KERNEL = 'kube-proxy-node-iptables-nft'
  const figures: readonly (readonly [document: string, text: string, ...Parameters<typeof median>])[] = [
    ['when-to-leave-userspace', '52,000/s', 'iptables', 'keep-alive', OURS, 'rate'],
    ['when-to-leave-userspace', '93,000/s', 'iptables', 'keep-alive', KERNEL, 'rate'],
    ['when-to-leave-userspace', '8,000/s', 'iptables', 'new-connections', OURS, 'rate'],
    ['when-to-leave-userspace', '12,400/s', 'iptables', 'new-connections', KERNEL, 'rate'],
    ['when-to-leave-userspace', '1.8 GB/s', 'iptables', 'bulk-to-pod-1', OURS, 'rate'],
    ['when-to-leave-userspace', '2.1 GB/s', 'iptables', 'bulk-to-pod-1', KERNEL, 'rate'],
    ['when-to-leave-userspace', '3 s', 'userspace', 'programming-5000', OURS, 'fromList'],
    ['when-to-leave-userspace', '5.3 s', 'iptables', 'full-sync-5000', KERNEL, 'fromList'],
    ['when-to-leave-userspace', '7 ms', 'userspace', 'endpoint-change', OURS, 'effect'],
    ['when-to-leave-userspace', '29 ms with 1,000', 'iptables', 'one-change-1000', KERNEL, 'effect'],
    ['when-to-leave-userspace', '216 ms with 10,000', 'iptables', 'one-change-10000', KERNEL, 'effect'],
    ['when-to-leave-userspace', '100 µs', 'userspace', 'one-at-a-time', OURS, 'p50'],
    ['when-to-leave-userspace', '79 µs', 'userspace', 'one-at-a-time', 'dnat', 'p50'],
    ['when-to-leave-userspace', '60,000/s', 'userspace', 'udp-saturation', OURS, 'rate'],
    ['when-to-leave-userspace', '197,000/s', 'userspace', 'udp-saturation', 'dnat', 'rate'],
    ['when-to-leave-userspace', '10,900 new connections/s', 'userspace', 'new-connections', OURS, 'perCpu'],
    ['when-to-leave-userspace', '85,500 requests/s', 'userspace', 'keep-alive', OURS, 'perCpu'],
    ['operate', '75 MB', 'userspace', 'idle-connections', OURS, 'before'],
    ['operate', '120 MB with 1,000 Services', 'userspace', 'programming-1000', OURS, 'memory'],
    ['operate', '270 MB with 5,000', 'userspace', 'programming-5000', OURS, 'memory'],
    ['operate', '110 MB with 1,000', 'iptables', 'full-sync-1000', KERNEL, 'memory'],
    ['operate', '340 MB with 5,000', 'iptables', 'full-sync-5000', 'kube-proxy-node-iptables-legacy', 'memory'],
    ['operate', '580 MB with 10,000', 'iptables', 'full-sync-10000', 'kube-proxy-node-iptables-legacy', 'memory'],
    ['operate', '3 MB for 1,000 idle', 'userspace', 'idle-connections', OURS, 'memory'],
    ['operate', '24,700 small answers/s', 'userspace', 'udp-offered', OURS, 'perCpu'],
    ['operate', '68,400 at saturation', 'userspace', 'udp-saturation', OURS, 'perCpu'],
  ]
  for (const [document, text, ...where] of figures) {
    t.ok(read(`docs/${document}.md`).includes(text), `docs/${document}.md: ${text}`)
    const measured = median(...where)
    const written = Number.parseFloat(text.replaceAll(',', ''))
    const message = `docs/${document}.md: ${text}, measured ${measured}`
    t.ok(Math.abs(written / measured - 1) <= FIGURE_TOLERANCE, message)
  }
  t.end()
})
