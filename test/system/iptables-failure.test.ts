import t from 'tap'
import { iptablesFailure, isDeniedSet } from '../../lib/system/iptables-failure.js'

t.test('a program that may not open its raw socket for sets lacks a permission', t => {
  const failure = iptablesFailure(
    'iptables-nft-restore',
    "iptables-nft-restore v1.8.9 (nf_tables): Can't open socket to ipset.\n",
    '',
  )
  t.equal(failure.code, 'IPTABLES_FORBIDDEN')
  t.match(failure.message, /Can't open socket to ipset\. \(rules that match sets need the capability NET_RAW\)$/)
  t.equal(isDeniedSet(failure), true)
  t.notMatch(iptablesFailure('iptables-legacy-restore', 'you must be root', '').message, /NET_RAW/)
  t.end()
})

/** As programs have printed them, with a kernel 6.1 whose modules were not loaded, and as a user without rights. */
const LEGACY_VERSIONS = ['v1.8.7 (legacy)', 'v1.8.9 (legacy)', 'v1.8.11 (legacy)']
const NFT_VERSIONS = ['v1.8.7 (nf_tables)', 'v1.8.9 (nf_tables)', 'v1.8.11 (nf_tables)']
const NFT_STARTS = [
  'iptables-nft-save/1.8.7',
  'iptables-nft-save/1.8.9 (nf_tables)',
  'ip6tables-nft-save/1.8.11 (nf_tables)',
]
const MODPROBE = {
  kmod: "modprobe: ERROR: could not insert 'ip_tables': Operation not permitted",
  'kmod, without the module': 'modprobe: FATAL: Module ip_tables not found in directory /lib/modules/6.1.0-57-amd64',
  'older kmod':
    'libkmod: ERROR ../libkmod/libkmod.c:586 kmod_search_moddep: could not open moddep file: Permission denied',
  busybox: "modprobe: can't load module x_tables (kernel/net/netfilter/x_tables.ko): Operation not permitted",
  'busybox, without the module': "modprobe: can't change directory to '6.1.0-57-amd64': No such file or directory",
}
const lines = (text: string, endings: readonly string[]): string[] =>
  endings.flatMap(ending => ['iptables', 'ip6tables'].map(program => `${program}-save ${ending}: ${text}\n`))

/** What programs print if the kernel does not have what they ask for. */
const ABSENT = [
  // ip_tables or ip6_tables is not loaded. Since 1.8.7 both programs say iptables.
  ...lines('Cannot initialize: iptables who? (do you need to insmod?)', LEGACY_VERSIONS),
  // These are, and the table is not there.
  ...lines('Cannot initialize: Table does not exist (do you need to insmod?)', LEGACY_VERSIONS),
  // The kernel was started without IPv6.
  ...lines('Cannot initialize: Address family not supported by protocol', LEGACY_VERSIONS),
  "iptables v1.8.9 (legacy): can't initialize iptables table `nat': Table does not exist (do you need to insmod?)\nPerhaps iptables or your kernel needs to be upgraded.\n",
  // nfnetlink is not loaded; it is, and nf_tables is not.
  ...NFT_STARTS.map(start => `${start} Failed to initialize nft: Protocol not supported\n`),
  'iptables: Failed to initialize nft: Protocol not supported\n',
  ...lines('Could not fetch rule set generation id: Invalid argument', NFT_VERSIONS),
]

t.test('what the kernel does not have is absent, whatever modprobe says besides', t => {
  const code = (text: string): string => iptablesFailure('iptables-save', text, '').code
  for (const text of ABSENT) t.equal(code(text), 'IPTABLES_ABSENT', text)
  for (const [program, line] of Object.entries(MODPROBE))
    for (const text of ABSENT.slice(0, 2)) {
      const failure = iptablesFailure('iptables-legacy-save', `${line}\n${text}`, '')
      t.equal(failure.code, 'IPTABLES_ABSENT', program)
      t.notMatch(failure.message, /modprobe|libkmod/, program)
    }
  t.end()
})

t.test('what the kernel has, and this process could not read, is not', t => {
  for (const [code, ...texts] of [
    [
      'IPTABLES_FORBIDDEN',
      ...lines('Cannot initialize: Permission denied (you must be root)', LEGACY_VERSIONS),
      ...lines('Could not fetch rule set generation id: Permission denied (you must be root)', NFT_VERSIONS),
      "iptables v1.8.9 (legacy): can't initialize iptables table `nat': Permission denied (you must be root)\n",
      "Fatal: can't open lock file /run/xtables.lock: Permission denied\n",
    ],
    [
      'IPTABLES_LOCKED',
      'Another app is currently holding the xtables lock; still 4s 0us time ahead to have a chance to grab the lock...\nAnother app is currently holding the xtables lock. Stopped waiting after 5s.\n',
    ],
    ['RULES_TOO_LARGE', ...lines('Cannot initialize: Memory allocation problem', LEGACY_VERSIONS)],
    [
      'IPTABLES_RESTORE_FAILED',
      ...lines('Cannot initialize: Too many open files', LEGACY_VERSIONS),
      "iptables v1.8.9 (legacy): can't initialize iptables table `nat': Too many open files\n",
      ...lines('Cannot initialize: Module is wrong version', LEGACY_VERSIONS),
      'iptables-legacy-save: error while loading shared libraries: libip4tc.so.2: cannot open shared object file: No such file or directory\n',
      // A write says nothing of the reason.
      `${MODPROBE.busybox}\niptables-restore v1.8.9 (legacy): iptables-restore: unable to initialize table 'nat'\nError occurred at line: 1\n`,
      '',
    ],
  ] as const)
    for (const text of texts) t.equal(iptablesFailure('iptables-save', text, '').code, code, text)
  t.end()
})

t.test('what modprobe says is repeated if the program itself says nothing', t => {
  for (const [program, line] of Object.entries(MODPROBE)) {
    const { message } = iptablesFailure('iptables-legacy-restore', `${line}\n`, '')
    t.ok(message.includes(line), `${program}: ${message}`)
  }
  t.end()
})
