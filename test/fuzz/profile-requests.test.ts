import { type ProfileRequest } from '../../lib/model/profile.js'
import { profileRoutes } from '../../lib/observe/profile-routes.js'
import { fuzzParsers } from '../support/checks/fuzz-parsers.js'

const WORKERS = [0, 1]
/** What Go's package net/http/pprof takes for a profile of the CPU without `seconds`. */
const DEFAULT_SECONDS = 30
const MOST_SECONDS = 120
/** Profiles are not the subject here, only how they are asked for. */
const NO_PROFILE = new Error('this test makes no profiles')

/** The query of a request for a profile. */
fuzzParsers({
  'profile-query': async text => {
    const query = new URLSearchParams(text)
    for (const kind of ['heap', 'profile'] as const) {
      const taken: [worker: number | undefined, request: ProfileRequest][] = []
      const routes = profileRoutes({
        workers: WORKERS,
        take: (worker, request) => {
          taken.push([worker, request])
          return Promise.reject(NO_PROFILE)
        },
      })
      const request = { query, accept: undefined, abandoned: new AbortController().signal }
      const { status, body } = await routes.get(`/debug/pprof/${kind}`)!(request)
      check(!/[^\n -~]/.test(String(body)), JSON.stringify(body))
      if (taken.length === 0) {
        check(status === 400 || status === 404, String(status))
        check(query.has(status === 400 ? 'seconds' : 'worker'), `${status} without the parameter`)
        continue
      }
      const [[worker, profile] = []] = taken
      check(status === 500 && taken.length === 1, `${status} for ${taken.length} profiles`)
      check(worker === undefined ? !query.has('worker') : WORKERS.includes(worker), String(worker))
      if (worker !== undefined)
        check(Number(query.get('worker')) === worker, `${query.get('worker')} read as ${worker}`)
      if (profile!.kind === 'heap') continue
      const seconds = profile!.durationMs / 1000
      check(Number.isInteger(seconds) && seconds >= 1 && seconds <= MOST_SECONDS, String(seconds))
      check(Number(query.get('seconds') ?? DEFAULT_SECONDS) === seconds, `${query.get('seconds')} read as ${seconds}`)
    }
  },
})

/** Throws what a parser has read wrongly. */
function check(isRight: boolean, found: string): void {
  if (!isRight) throw new Error(`A wrong value was read: ${found}`)
}
