import { type LessonListener } from '../../../lib/learn/run-lesson.js'

/** Shows nothing, and predicts nothing. */
export const SILENT_LISTENER: LessonListener = {
  onStep: () => undefined,
  onShown: () => undefined,
  onCommand: () => undefined,
  predict: () => Promise.resolve('show'),
  onResult: () => undefined,
}
