import { Session } from 'node:inspector/promises'
import { type ProfileRequest, type RawProfile } from '../model/profile.js'

/** Microseconds between samples of the call stack. */
const CPU_INTERVAL_US = 1000
/** Bytes that are allocated, on average, from one sample to the next, as in Go: it costs too little to measure. */
const HEAP_INTERVAL_BYTES = 512 * 1024

/** Makes profiles of this process. From its start on, it takes samples of what is allocated: V8 knows nothing of earlier objects. */
export class Profiler {
  readonly #session: Session

  private constructor(session: Session) {
    this.#session = session
  }

  static async start(): Promise<Profiler> {
    const session = new Session()
    session.connect()
    await session.post('HeapProfiler.enable')
    await session.post('HeapProfiler.startSampling', { samplingInterval: HEAP_INTERVAL_BYTES })
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: CPU_INTERVAL_US })
    return new Profiler(session)
  }

  /** @param wait resolves after so many milliseconds, or when the profile is not wanted any longer */
  async take(request: ProfileRequest, wait: (ms: number) => Promise<unknown>): Promise<RawProfile> {
    if (request.kind === 'heap') {
      const { profile } = await this.#session.post('HeapProfiler.getSamplingProfile')
      return { kind: 'heap', head: profile.head }
    }
    await this.#session.post('Profiler.start')
    await wait(request.durationMs)
    const { profile } = await this.#session.post('Profiler.stop')
    return { kind: 'cpu', profile }
  }
}
