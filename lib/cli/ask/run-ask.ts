import { type Answer, type AskedStep, askQuestion } from '../../ask/ask-question.js'
import { findQuestions } from '../../ask/find-questions.js'
import { QUESTIONS } from '../../ask/questions.js'
import { type Question } from '../../ask/question.js'
import { startClusterLab } from '../../ask/start-cluster-lab.js'
import { type Language } from '../../ask/texts.js'
import { runDemoSession } from '../../demo/demo-session.js'
import { printJson } from '../../terminal/print-json.js'
import { Terminal } from '../../terminal/terminal.js'
import { answerDocument, questionDocument } from './answer-document.js'
import { AskPage } from './ask-page.js'

export interface RunAskOptions {
  /** A number, words, or nothing. */
  readonly about: string
  readonly language: Language
  readonly isJson: boolean
}

/**
 * Lists questions, or answers one. Resolves with the exit code: 0 if the experiment has shown what the answer says, else 1; 130 after
 * an interruption.
 * @throws ProxyFailure ASK_INVALID, DEMO_IMPOSSIBLE, PROGRAM_MISSING
 */
export async function runAsk({ about, language, isJson }: RunAskOptions): Promise<number> {
  // `head` closes the pipe early. An experiment ends then; see demo-session.ts.
  process.stdout.on('error', () => undefined)
  const found = about === '' ? QUESTIONS : findQuestions(about, QUESTIONS)
  const page = new AskPage(Terminal.forProcess(language !== 'en'), language)
  const [question] = found
  if (about === '' || found.length > 1 || question === undefined) {
    if (isJson) printJson({ questions: found.map(each => questionDocument(each, language)) })
    else page.printList(found)
    return 0
  }
  if (!isJson) page.printQuestion(question)
  return answerInCluster(
    question,
    step => {
      if (!isJson) page.printStep(step)
    },
    answer => {
      if (isJson) printJson(answerDocument(answer, language))
      else page.printAnswer(answer)
    },
  )
}

/** Runs the experiment in a cluster of its own. Resolves with the exit code; after an interruption nothing more is shown. */
function answerInCluster(
  question: Question,
  onStep: (step: AskedStep) => void,
  onAnswer: (answer: Answer) => void,
): Promise<number> {
  return runDemoSession(async session => {
    const { teardown } = session
    const { lab } = await startClusterLab(session)
    const answer = await askQuestion(question, lab, step => {
      teardown.throwIfEnded()
      onStep(step)
    })
    teardown.throwIfEnded()
    onAnswer(answer)
    return answer.holds ? 0 : 1
  }, question.programs)
}
