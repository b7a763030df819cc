import { type Experiment } from './question.js'

/** Restarts the proxy in a mode, as a step. */
export async function useMode({ lab, show }: Experiment, mode: string): Promise<void> {
  show(await lab.setMode(mode), {
    en: `The proxy runs in ${mode} mode now.`,
    ko: `이제 프록시가 ${mode} 모드로 돈다.`,
  })
}
