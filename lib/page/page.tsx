import { type JSX, render } from 'preact'
import { Link, Redirect, Route, Router, Switch, useRoute } from 'wouter-preact'
import { useHashLocation } from 'wouter-preact/use-hash-location'
import { type Overview } from '../status/overview.js'
import { openEventStream } from './live/event-stream.js'
import { useAnswer } from './live/use-answer.js'
import { AnswerState } from './parts/answer-state.js'
import { Glance } from './parts/glance.js'
import { SignIn } from './parts/sign-in.js'
import { TEXTS } from './texts.js'
import { AskView } from './views/ask-view.js'
import { ConnectionsView } from './views/connections-view.js'
import { DemoDoctorView, DoctorView } from './views/doctor-view.js'
import { LearnView } from './views/learn-view.js'
import { LessonView } from './views/learn/lesson-view.js'
import { LeversView } from './views/levers-view.js'
import { ListenersView } from './views/listeners-view.js'
import { MapView } from './views/map-view.js'
import { PacketView } from './views/packet-view.js'
import { readPart } from './views/packet/packet-path.js'
import { RulesView } from './views/rules-view.js'
import { ServiceView } from './views/service-view.js'
import { ServicesView } from './views/services-view.js'
import { TimeLineView } from './views/time-line-view.js'

/** Those that change the cluster: the demo has them, and no proxy. */
const DEMO_SECTIONS: readonly (readonly [path: string, title: string])[] = [
  ['/levers', TEXTS.levers.title],
  ['/ask', TEXTS.ask.title],
  ['/learn', TEXTS.learn.title],
]
const SECTIONS: readonly (readonly [path: string, title: string])[] = [
  ['/services', TEXTS.services.title],
  ['/map', TEXTS.map.title],
  ['/packet', TEXTS.packet.title],
  ['/listeners', TEXTS.listeners.title],
  ['/connections', TEXTS.connections.title],
  ['/rules', TEXTS.rules.title],
  ['/time-line', TEXTS.timeLine.title],
  ['/doctor', TEXTS.doctor.title],
]

function Section({ path, title }: { readonly path: string; readonly title: string }): JSX.Element {
  const [isHere] = useRoute(`${path}/*?`)
  return (
    <li>
      <Link href={path} aria-current={isHere ? 'page' : undefined}>
        {title}
      </Link>
    </li>
  )
}

function Page(): JSX.Element {
  const overview = useAnswer<Overview>('/v1')
  const isDemo = overview.answer?.paths.includes('/demo') === true
  return (
    <Router hook={useHashLocation}>
      <button type="button" class="skip" onClick={() => document.querySelector('h2')?.focus()}>
        {TEXTS.skip}
      </button>
      <header>
        <Glance {...overview} />
        <nav aria-label={TEXTS.sections}>
          <ul>
            {[...SECTIONS, ...(isDemo ? DEMO_SECTIONS : [])].map(([path, title]) => (
              <Section key={path} path={path} title={title} />
            ))}
          </ul>
        </nav>
      </header>
      <main>
        {overview.needsToken ? (
          <SignIn />
        ) : (
          <Switch>
            <Route path="/services">
              <ServicesView />
            </Route>
            <Route path="/services/:namespace/:name">
              {({ namespace = '', name = '' }) => (
                <ServiceView key={`${namespace}/${name}`} namespace={namespace} name={name} />
              )}
            </Route>
            <Route path="/map">
              <MapView isInKernel={overview.answer?.traffic === null} />
            </Route>
            <Route path="/packet">
              <PacketView from="" to="" />
            </Route>
            <Route path="/packet/:from/:to">
              {({ from = '', to = '' }) => <PacketView from={readPart(from)} to={readPart(to)} />}
            </Route>
            <Route path="/listeners">
              <ListenersView />
            </Route>
            <Route path="/connections">
              <ConnectionsView />
            </Route>
            <Route path="/rules">
              <RulesView />
            </Route>
            <Route path="/time-line">
              <TimeLineView />
            </Route>
            {overview.answer !== undefined && (
              <Route path="/doctor">{isDemo ? <DemoDoctorView /> : <DoctorView />}</Route>
            )}
            {isDemo && (
              <Route path="/levers">
                <LeversView />
              </Route>
            )}
            {isDemo && (
              <Route path="/ask">
                <AskView />
              </Route>
            )}
            {isDemo && (
              <Route path="/learn">
                <LearnView />
              </Route>
            )}
            {isDemo && (
              <Route path="/learn/:number">
                {({ number = '' }) => <LessonView key={number} number={Number(number)} />}
              </Route>
            )}
            <Route path="/">
              <Redirect to="/services" replace />
            </Route>
            <Route>
              <AnswerState {...overview} />
              {/* Before the first answer it is unknown which views there are. */}
              {overview.answer !== undefined && <p class="message">{TEXTS.unknownPage}</p>}
            </Route>
          </Switch>
        )}
      </main>
    </Router>
  )
}

document.documentElement.lang = TEXTS.locale
openEventStream()
render(<Page />, document.getElementById('page')!)
