import t from 'tap'
import { applyIpvsSettings, ipvsSettings } from '../../lib/system/ipvs-settings.js'

void t.test('settings of the kernel are written; a failed write is a warning with its consequence', t => {
  const names = (kernel: string, strict: boolean): string[] => ipvsSettings(kernel, strict).map(({ file }) => file)
  t.notOk(names('5.9.0-1-amd64', false).includes('vs/conn_reuse_mode'))
  t.ok(names('5.8.18', false).includes('vs/conn_reuse_mode'))
  t.ok(names('4.19.0', false).includes('vs/conn_reuse_mode'))
  t.ok(names('5.8+', false).includes('vs/conn_reuse_mode'))
  t.notOk(names('custom', false).includes('vs/conn_reuse_mode'), 'a kernel without a version')
  t.notOk(names('6.1.0', false).some(name => name.includes('arp')))
  t.ok(names('6.1.0', true).includes('conf/all/arp_ignore'))

  const values = new Map([['/proc/sys/net/ipv4/ip_forward', 1]])
  const warnings: unknown[] = []
  applyIpvsSettings(
    true,
    {
      info: () => undefined,
      warn: (_, fields) => void warnings.push([fields?.['setting'], fields?.['reason'], fields?.['without']]),
      error: () => undefined,
      enabled: () => false,
    },
    {
      read: file => values.get(file),
      write: (file, value) => {
        if (file.includes('/vs/conntrack')) throw Object.assign(new Error('read-only'), { code: 'EROFS' })
        values.set(file, value)
      },
    },
    '6.1.0',
  )
  t.equal(values.get('/proc/sys/net/ipv4/vs/expire_nodest_conn'), 1)
  t.equal(values.get('/proc/sys/net/ipv4/conf/all/arp_announce'), 2)
  t.strictSame(warnings, [
    ['net/ipv4/vs/conntrack=1', 'EROFS', 'the kernel does not masquerade, and answers may not reach clients'],
  ])
  t.end()
})
