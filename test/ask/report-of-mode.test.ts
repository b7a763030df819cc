import t from 'tap'
import { reportOfMode } from '../../lib/ask/report-of-mode.js'

const ran = (output: string) => ({ where: 'node', command: 'kube-proxy check', output, exitCode: 1 })

t.test('the report of a mode begins with its line, in colour and in ASCII too', t => {
  for (const mark of ['✗', 'x', '\x1b[31m✗\x1b[0m'])
    t.equal(
      reportOfMode(
        ran(`ipset   missing   mode ipvs with sets\n✓ mode iptables works\n${mark} mode ipvs does not work\n  missing`),
        'ipvs',
      ).output,
      `${mark} mode ipvs does not work\n  missing`,
    )
  t.equal(reportOfMode(ran('programs\n✓ mode ipvs works\nend'), 'ipvs').output, '✓ mode ipvs works\nend')
  t.end()
})

t.test('an output without such a line stays whole', t => {
  t.equal(reportOfMode(ran('error: no report'), 'ipvs').output, 'error: no report')
  t.end()
})
