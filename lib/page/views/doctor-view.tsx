import { type JSX } from 'preact'
import { type ServiceView as Port } from '../../status/service-view.js'
import { type StatusDocument } from '../../status/status-document.js'
import { SELDOM_MS, CHANGES, useAnswer } from '../live/use-answer.js'
import { runs, startRun } from '../live/start-run.js'
import { useDemo } from '../live/use-demo.js'
import { AnswerState } from '../parts/answer-state.js'
import { Answered } from '../parts/answered.js'
import { DataTable } from '../parts/data-table.js'
import { DoctorReport } from '../parts/doctor-report.js'
import { RunState } from '../parts/run-state.js'
import { View } from '../parts/view.js'
import { TEXTS } from '../texts.js'

const WORDS = TEXTS.doctor

/** What is wrong with a Service of the demo. */
export function DemoDoctorView(): JSX.Element {
  const { isBusy, lesson, ...asked } = useDemo()
  const run = runs.value.doctor
  const last = run?.lines.at(-1)
  return (
    <View title={WORDS.title} about={WORDS.about}>
      <AnswerState {...asked} />
      <p class="buttons">
        {asked.answer?.patients.map(({ id, service, client }) => (
          <button key={id} type="button" disabled={isBusy} onClick={() => void startRun('doctor', id)}>
            {WORDS.examine(service, client)}
          </button>
        ))}
      </p>
      <div role="status">
        <RunState run={run} isBusy={isBusy} lesson={lesson} />
      </div>
      {last?.kind === 'report' && <DoctorReport report={last.report} />}
    </View>
  )
}

/** How to find out what is wrong with a Service of this proxy: the page cannot. */
export function DoctorView(): JSX.Element {
  const services = useAnswer<StatusDocument<Port>>('/v1/services', SELDOM_MS, CHANGES)
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
