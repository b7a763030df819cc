import { type Lab, type Ran } from './lab.js'
import { lookUpName } from './look-up-name.js'
import { type Experiment } from './question.js'
import { withoutExtension } from './without-extension.js'

const REFUSED_METRIC = 'kubeproxy_sync_proxy_rules_refused_service_ports'
/** Rules of two Services, as one input: the second needs the extension. */
const TWO_SERVICES = [
  ...['*nat', ':OTHER-SERVICE - [0:0]', '-A OTHER-SERVICE -p tcp -j RETURN'],
  ...[':STICKY-SERVICE - [0:0]', '-A STICKY-SERVICE -m recent --name STICKY --rcheck --seconds 60 -j RETURN', 'COMMIT'],
]
const REMOVE = 'for c in OTHER-SERVICE STICKY-SERVICE; do iptables -t nat -F $c; iptables -t nat -X $c; done'
const COUNT_WRITTEN = 'iptables-save -t nat | grep -c OTHER-SERVICE'

/** What happens to other Services where the match `recent` is missing. */
export interface WithoutRecent {
  /** Lines of the Service without affinity that iptables-restore has written. */
  readonly written: number
  /** Services that the proxy has left out. */
  readonly refused: number
  /** The answer of the other Service, that of DNS. */
  readonly dns: string
  /** Whether the extension made the difference: the same input was written with it, and was an error without it. */
  readonly isCause: boolean
}

/** Writes rules, and has the proxy serve both Services of the demo, with an iptables that misses the match `recent`. */
export async function serveWithoutRecent(experiment: Experiment): Promise<WithoutRecent> {
  const withRecent = await restore(experiment.lab)
  experiment.show(
    withRecent.ran,
    {
      en: 'A program writes the rules of two Services in one input, as kube-proxy does; one of them needs the match recent. Lines of the other one: {written}.',
      ko: 'kube-proxy처럼 두 서비스의 규칙을 한 입력으로 쓴다. 그 가운데 하나에 recent 매치가 필요하다. 다른 서비스의 줄 수: {written}.',
    },
    { written: withRecent.written },
  )
  return withoutExtension(experiment.lab, 'recent', env => serveWith(experiment, env, withRecent))
}

async function serveWith(
  { lab, show }: Experiment,
  env: { readonly XTABLES_LIBDIR: string },
  withRecent: Restored,
): Promise<WithoutRecent> {
  const { ran: restored, left, written } = await restore(lab, `XTABLES_LIBDIR=${env.XTABLES_LIBDIR} `)
  show(
    restored,
    {
      en: 'The same input with an iptables without recent, as on older kernels of WSL2, is an error (exit code {code}).',
      ko: '예전 WSL2 커널처럼 recent가 없는 iptables에 같은 입력을 주면 오류가 난다(종료 코드 {code}).',
    },
    { code: restored.exitCode },
  )
  show(
    left,
    {
      en: 'Nothing is written, also nothing of the Service without affinity. Lines: {written}.',
      ko: '아무것도 쓰이지 않았다. 어피니티가 없는 서비스의 규칙도 마찬가지이다. 줄 수: {written}.',
    },
    { written },
  )
  show(await lab.setMode('iptables', env), {
    en: 'This proxy in iptables mode, with the same iptables.',
    ko: '같은 iptables로 이 프록시를 iptables 모드로 돌린다.',
  })
  const metrics = await lab.shell('node', `curl -s http://127.0.0.1:10249/metrics | grep '^${REFUSED_METRIC}.*"IPv4"'`)
  const refused = Number(/cause="kind"\} (\d+)/.exec(metrics.output)?.[1] ?? -1)
  show(
    metrics,
    {
      en: 'It has left out the Services whose rules are refused, and reports them: {refused}.',
      ko: '규칙이 거부된 서비스만 빼고 이를 보고한다: {refused}개.',
    },
    { refused },
  )
  const { ran, address } = await lookUpName(lab, lab.service.name)
  show(
    ran,
    {
      en: 'The other Service, that of DNS, answers: {address}.',
      ko: '다른 서비스인 DNS는 응답한다: {address}.',
    },
    { address },
  )
  const isCause = withRecent.ran.exitCode === 0 && withRecent.written > 0 && restored.exitCode !== 0
  return { written, refused, dns: address, isCause }
}

/** What iptables-restore has done with the input. */
interface Restored {
  readonly ran: Ran
  /** What counts the lines that it has written. */
  readonly left: Ran
  readonly written: number
}

/** Writes the rules, counts those of the Service that does not need the extension, and removes them. */
async function restore(lab: Lab, variable = ''): Promise<Restored> {
  const remove = lab.undoLater(() => lab.shell('node', REMOVE))
  const line = `printf '%b\\n' '${TWO_SERVICES.join('\\n')}' | ${variable}iptables-restore --noflush`
  const ran = await lab.shell('node', line)
  const left = await lab.shell('node', COUNT_WRITTEN)
  await remove()
  return { ran, left, written: Number(left.output) }
}
