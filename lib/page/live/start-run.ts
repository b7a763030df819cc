import { computed, signal } from '@preact/signals'
import { type RunLine } from '../../demo-page/demo-document.js'
import { postId } from './post-id.js'

/** Something that the demo runs, or has run. */
export interface Run {
  readonly id: string
  readonly lines: readonly RunLine[]
  readonly isOver: boolean
}

/** The views that run something. */
export type RunningView = 'levers' | 'ask' | 'learn' | 'doctor'

/** The last thing that each view has run. It outlives the view: a reader may look elsewhere meanwhile. */
export const runs = signal<Readonly<Record<RunningView, Run | undefined>>>({
  levers: undefined,
  ask: undefined,
  learn: undefined,
  doctor: undefined,
})
/** Whether this page runs something. */
export const isRunning = computed(() => Object.values(runs.value).some(run => run?.isOver === false))
/** How much this page has run to its end. */
export const runsOver = signal(0)

/** Has the demo run something. Resolves at its end; a failure is its last line. */
export async function startRun(view: RunningView, id: string): Promise<void> {
  let lines: readonly RunLine[] = []
  const show = (isOver: boolean): void => {
    runs.value = { ...runs.value, [view]: { id, lines, isOver } }
  }
  const add = (line: RunLine): void => {
    lines = [...lines, line]
    show(false)
  }
  show(false)
  try {
    for await (const line of linesOf(id)) add(line)
  } catch (error) {
    add({ kind: 'failed', message: error instanceof Error ? error.message : String(error), hint: null })
  }
  show(true)
  runsOver.value++
}

/** Forgets what a view has run, unless it still runs. */
export function forgetRun(view: RunningView): void {
  if (runs.value[view]?.isOver === true) runs.value = { ...runs.value, [view]: undefined }
}

/** @throws Error with the reason why it does not run */
async function* linesOf(id: string): AsyncGenerator<RunLine> {
  const { body } = await postId('/demo/run', id)
  let text = ''
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    const complete = `${text}${value}`.split('\n')
    text = complete.pop()!
    // An empty line says only that the demo is there.
    for (const line of complete) if (line !== '') yield JSON.parse(line) as RunLine
  }
}
