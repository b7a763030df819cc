import { type JSX } from 'preact'
import { type RunLine } from '../../demo-page/demo-document.js'
import { TEXTS } from '../texts.js'
import { Mark } from './mark.js'
import { ProxyText } from './proxy-text.js'

const WORDS = TEXTS.doctor

type Report = Extract<RunLine, { kind: 'report' }>['report']
const MARKS = { healthy: 'good', findings: 'bad', unknown: 'warning' } as const

/** What the doctor has found: verdict, proof and fix of each finding, then what else it has looked at. */
export function DoctorReport({ report }: { readonly report: Report }): JSX.Element {
  return (
    <section class="panel">
      <h3>
        <Mark kind={MARKS[report.verdict]}>{WORDS.verdict[report.verdict]}</Mark>
      </h3>
      <p>
        <ProxyText>{report.summary}</ProxyText>.
      </p>
      {report.findings.map(({ code, verdict, proof, fix }) => (
        <div key={code} class="finding">
          <h4>
            <ProxyText>{verdict}</ProxyText>.
          </h4>
          <p>{WORDS.proof}:</p>
          <List items={proof} />
          <p>{WORDS.fix}:</p>
          <List items={fix} />
        </div>
      ))}
      <Remarks title={WORDS.remarks} remarks={report.remarks} />
      <Remarks title={WORDS.fine} remarks={report.fine} />
      <Remarks title={WORDS.unseen} remarks={report.unseen} />
    </section>
  )
}

function Remarks({ title, remarks }: { readonly title: string; readonly remarks: Report['fine'] }): JSX.Element {
  if (remarks.length === 0) return <></>
  return (
    <>
      <h4>{title}</h4>
      <ul>
        {remarks.map(remark => (
          <li key={remark.code}>
            {WORDS.titleOf(remark)}: <ProxyText>{remark.text}</ProxyText>
          </li>
        ))}
      </ul>
    </>
  )
}

function List({ items }: { readonly items: readonly string[] }): JSX.Element {
  return (
    <ul>
      {items.map(item => (
        <li key={item}>
          <ProxyText>{item}</ProxyText>
        </li>
      ))}
    </ul>
  )
}
