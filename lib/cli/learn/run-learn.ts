import { CURL } from '../../ask/question.js'
import { startClusterLab } from '../../ask/start-cluster-lab.js'
import { runDemoSession } from '../../demo/demo-session.js'
import { chooseLab } from '../../learn/choose-lab.js'
import { DoneLessons } from '../../learn/done-lessons.js'
import { findLesson } from '../../learn/find-lesson.js'
import { LESSONS } from '../../learn/lessons.js'
import { runLesson } from '../../learn/run-lesson.js'
import { printJson } from '../../terminal/print-json.js'
import { Classroom, type ClassroomOptions } from './classroom.js'
import { lessonDocument, resultDocument } from './lesson-document.js'

export interface RunLearnOptions extends ClassroomOptions {
  /** The number of a lesson; undefined: all lessons are listed. */
  readonly number: string | undefined
}

/**
 * Lists the lessons, or runs one. Resolves with the exit code: 0 if each step has shown what it explains, or if the user left; else 1;
 * 130 after an interruption.
 * @throws ProxyFailure LEARN_INVALID, DEMO_IMPOSSIBLE, PROGRAM_MISSING
 */
export async function runLearn(options: RunLearnOptions): Promise<number> {
  const { number, language, isJson } = options
  const doneLessons = new DoneLessons(process.env)
  // `head` closes the pipe early. A lesson ends then; see demo-session.ts.
  process.stdout.on('error', () => undefined)
  if (number === undefined) {
    const done = await doneLessons.read()
    if (isJson)
      printJson({
        lessons: LESSONS.map(lesson => ({ ...lessonDocument(lesson, language), isDone: done.has(lesson.number) })),
      })
    else new Classroom(options).page.printList(LESSONS, done)
    return 0
  }
  const lesson = findLesson(number, LESSONS)
  return runDemoSession(async session => {
    const { teardown } = session
    const classroom = new Classroom(options)
    await teardown.add(() => classroom.close())
    classroom.start(lesson)
    const { lab: clusterLab } = await startClusterLab(session)
    const { lab, lack } = await chooseLab(lesson, clusterLab)
    if (lack !== undefined) classroom.useRecord(lack)
    const results = await runLesson(
      lesson,
      lab,
      classroom.listener(lesson, () => teardown.throwIfEnded()),
    )
    teardown.throwIfEnded()
    classroom.finish()
    if (results.length === lesson.steps.length) await doneLessons.add(lesson.number)
    if (isJson) printJson(resultDocument(lesson, results, language, lack?.check))
    else if (results.length === lesson.steps.length)
      classroom.page.printEnd(results, LESSONS[LESSONS.indexOf(lesson) + 1])
    return results.every(({ holds }) => holds) ? 0 : 1
  }, CURL)
}
