import t from 'tap'
import { advise } from '../../lib/check/advise.js'
import { type OptionState } from '../../lib/system/kernel-build.js'

const lacking = (state: OptionState, hasModuleFile?: boolean, reason = 'No such file or directory', install?: string) =>
  advise({
    kernelOptions: [{ option: 'CONFIG_NETFILTER_XT_MATCH_COMMENT', state }],
    module: 'xt_comment',
    hasModuleFile,
    kernelRelease: '6.1.0-9',
    reason,
    install,
  })

void t.test('The advice about a missing feature follows from how the kernel was built', t => {
  const cases: readonly (readonly [title: string, advice: string, expected: RegExp])[] = [
    [
      'built without it',
      lacking('not set'),
      /built without CONFIG_NETFILTER_XT_MATCH_COMMENT: use a kernel that has it/,
    ],
    ['a module that is installed', lacking('module', true), /^Run "modprobe xt_comment" on the node/],
    ['a module, and no folder of modules to look in', lacking('module'), /^Run "modprobe xt_comment" on the node/],
    [
      'a module that is not installed',
      lacking('module', false),
      /linux-modules-extra-6\.1\.0-9.*"modprobe xt_comment"/,
    ],
    ['no program to ask the kernel with', lacking('built in', true, 'no such program', 'Install it'), /^Install it$/],
    [
      'no program, and a kernel that was built without it',
      lacking('not set', undefined, 'no such program', 'Install it'),
      /^This kernel was built without .*\. Install it$/,
    ],
    ['built in', lacking('built in'), /has CONFIG_NETFILTER_XT_MATCH_COMMENT, but refuses/],
    ['the kernel does not say', lacking('unknown'), /^Run "modprobe xt_comment".*a kernel with CONFIG_NETFILTER_XT/],
    [
      'no right to ask about sets',
      lacking('built in', true, "Can't open socket to ipset. (rules that match sets need the capability NET_RAW)"),
      /NET_RAW/,
    ],
    ['no permission', lacking('built in', true, 'Permission denied (you must be root)'), /NET_ADMIN/],
  ]
  for (const [title, advice, expected] of cases) t.match(advice, expected, title)
  t.end()
})
