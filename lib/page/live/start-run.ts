import { useState } from 'preact/hooks'
import { type RunLine } from '../../demo-page/demo-document.js'
import { type StatusError } from '../../status/status-document.js'

/** Something that the demo runs, or has run. */
export interface Run {
  readonly id: string
  readonly lines: readonly RunLine[]
  readonly isOver: boolean
}

/** The last thing that this view has run; undefined: none. @returns it, and what starts another one */
export function useRun(): readonly [run: Run | undefined, start: (id: string) => Promise<void>] {
  const [run, setRun] = useState<Run>()
  const start = async (id: string): Promise<void> => {
    let lines: readonly RunLine[] = []
    const show = (isOver: boolean): void => setRun({ id, lines, isOver })
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
  }
  return [run, start]
}

/** @throws Error with the reason why it does not run */
async function* linesOf(id: string): AsyncGenerator<RunLine> {
  const response = await fetch('/demo/run', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ id }),
  })
  if (!response.ok || response.body === null) throw new Error(((await response.json()) as StatusError).message)
  let text = ''
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    const complete = `${text}${value}`.split('\n')
    text = complete.pop()!
    for (const line of complete) yield JSON.parse(line) as RunLine
  }
}
