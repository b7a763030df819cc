import { type JSX } from 'preact'
import { type DemoDocument } from '../../demo-page/demo-document.js'
import { type ServiceView as Port } from '../../status/service-view.js'
import { type StatusDocument } from '../../status/status-document.js'
import { useAnswer } from '../live/use-answer.js'
import { useRun } from '../live/use-run.js'
import { Answered } from '../parts/answered.js'
import { DataTable } from '../parts/data-table.js'
import { DoctorReport } from '../parts/doctor-report.js'
import { View } from '../parts/view.js'
import { TEXTS } from '../texts.js'

const WORDS = TEXTS.doctor

/** What is wrong with a Service of the demo. */
export function DemoDoctorView(): JSX.Element {
  const { answer, problem } = useAnswer<DemoDocument>('/demo')
  const [run, start] = useRun()
  const last = run?.lines.at(-1)
  return (
    <View title={WORDS.title} about={WORDS.about}>
      {answer === undefined && <p class="message">{problem ?? TEXTS.loading}</p>}
      <p class="buttons">
        {answer?.patients.map(({ id, service, client }) => (
          <button key={id} type="button" disabled={run?.isOver === false} onClick={() => void start(id)}>
            {WORDS.examine(service, client)}
          </button>
        ))}
      </p>
      <div role="status">
        {run?.isOver === false && <p>{TEXTS.levers.running}</p>}
        {last?.kind === 'failed' && <p class="message">{TEXTS.levers.failed(last.message)}</p>}
      </div>
      {last?.kind === 'report' && <DoctorReport report={last.report} />}
    </View>
  )
}

/** How to find out what is wrong with a Service of this proxy: the page cannot. */
export function DoctorView(): JSX.Element {
  const services = useAnswer<StatusDocument<Port>>('/v1/services')
  return (
    <View title={WORDS.title} about={`${WORDS.about} ${WORDS.elsewhere}`}>
      <Answered from={services}>
        {ports => {
          const names = [...new Set(ports.map(({ namespace, name }) => `${namespace}/${name}`))]
          return (
            <DataTable
              caption={WORDS.title}
              columns={[
                { title: TEXTS.services.service, text: name => name },
                { title: WORDS.command, text: name => `kube-proxy doctor svc/${name}`, isCode: true },
              ]}
              rows={names}
              rowKey={name => name}
              filter=""
            />
          )
        }}
      </Answered>
    </View>
  )
}
