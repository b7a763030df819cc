import { type JSX } from 'preact'
import { type Overview } from '../../status/overview.js'
import { isLive } from '../live/event-stream.js'
import { type LiveAnswer } from '../live/use-answer.js'
import { TEXTS } from '../texts.js'
import { LanguageSwitch } from './language-switch.js'
import { Mark } from './mark.js'
import { ProxyText, proxyPlainText } from './proxy-text.js'
import { Time } from './time.js'

const WORDS = TEXTS.glance

/** The proxy at a glance: which one it is, how it is, and its numbers. */
export function Glance({ answer, problem, needsToken }: LiveAnswer<Overview>): JSX.Element {
  return (
    <div class="glance">
      <div class="title">
        <h1>{TEXTS.program}</h1>
        {answer !== undefined && (
          <p>
            {TEXTS.node(answer.nodeName)} · {TEXTS.mode(answer.mode)} · {answer.proxyVersion}
          </p>
        )}
      </div>
      {answer !== undefined && (
        <p class="states">
          <Mark kind={answer.isHealthy ? 'good' : 'bad'}>{answer.isHealthy ? TEXTS.healthy : TEXTS.unhealthy}</Mark>
          <span>{TEXTS.life(answer.state)}</span>
          <Mark kind={isLive.value ? 'good' : 'idle'}>{isLive.value ? TEXTS.live : TEXTS.notLive}</Mark>
        </p>
      )}
      <LanguageSwitch />
      {problem !== undefined && !needsToken && (
        <p class="message" role="alert">
          {TEXTS.noAnswer(proxyPlainText(problem))}
        </p>
      )}
      {answer !== undefined && (
        <>
          {answer.problems.map(text => (
            <p key={text} class="message">
              <ProxyText>{text}</ProxyText>
            </p>
          ))}
          <dl>
            <Figure title={WORDS.services} value={TEXTS.number(answer.services)} />
            <Figure title={WORDS.withoutEndpoints} value={TEXTS.number(answer.portsWithoutEndpoints)} />
            {answer.traffic === null ? (
              <Figure title={WORDS.kernel} value={TEXTS.none} />
            ) : (
              <>
                <Figure title={WORDS.open} value={TEXTS.number(answer.traffic.open)} />
                <Figure title={WORDS.total} value={TEXTS.number(answer.traffic.connections)} />
                <Figure title={WORDS.refused} value={TEXTS.number(answer.traffic.refused)} />
              </>
            )}
            <Figure
              title={WORDS.lastSync}
              value={answer.lastSync === null ? TEXTS.none : <Time at={answer.lastSync.at} />}
            />
          </dl>
        </>
      )}
    </div>
  )
}

function Figure({ title, value }: { readonly title: string; readonly value: string | JSX.Element }): JSX.Element {
  return (
    <div>
      <dt>{title}</dt>
      <dd>{value}</dd>
    </div>
  )
}
