import t from 'tap'
import { ProblemReporter } from '../../lib/snapshot/problem-reporter.js'

t.test(
  'the wrong fields of an object are reported once, again when they differ, and when there are none any more',
  t => {
    const reports: string[] = []
    const reporter = new ProblemReporter(({ kind, name, problems, wrongFamily }) =>
      reports.push(`${kind} ${name}: ${[...problems, ...wrongFamily].join(', ')}`),
    )
    const report = (name: string, problems: string[], wrongFamily: string[] = []) => {
      reporter.report('Service', name, { problems, wrongFamily })
      return reports.splice(0)
    }
    t.strictSame(report('default/a', []), [], 'an object that was always valid')
    t.strictSame(report('default/a', ['port']), ['Service default/a: port'])
    t.strictSame(report('default/a', ['port']), [], 'nothing has changed')
    t.strictSame(report('default/b', ['port']), ['Service default/b: port'], 'each object has its own')
    t.strictSame(report('default/a', ['port'], ['address']), ['Service default/a: port, address'])
    t.strictSame(reporter.listReported('Service'), ['default/a', 'default/b'])
    t.strictSame(report('default/a', []), ['Service default/a: '])
    t.strictSame(report('default/a', []), [])
    t.strictSame(reporter.listReported('Service'), ['default/b'])
    t.strictSame(reporter.listReported('EndpointSlice'), [])
    t.strictSame(report('default/a', ['port']), ['Service default/a: port'], 'the same problem after it was gone')
    t.end()
  },
)
