import { type Argv } from 'yargs'
import { languageOfLocale } from '../ask/language-of-locale.js'
import { LANGUAGES, type Language } from '../ask/texts.js'
import { lastValue } from './arguments.js'

const EXAMPLES: readonly (readonly [command: string, meaning: string])[] = [
  ['$0 learn', 'all lessons'],
  ['$0 learn 2', 'lesson 2; it asks for predictions'],
  ['$0 learn 2 --no-questions', 'the same lesson without a wait'],
]

/** Adds the command `kube-proxy learn`. It loads the lessons only when the command runs. */
export function addLearnCommand(parser: Argv, setExitCode: (code: number) => void): void {
  parser.command(
    'learn [lesson]',
    'Teach how Services work, in lessons that run in a small cluster on this machine',
    command => {
      for (const [example, meaning] of EXAMPLES) command.example(example, meaning)
      return command
        .positional('lesson', { type: 'string', describe: 'Number of a lesson; left out: all lessons' })
        .option('language', {
          choices: LANGUAGES,
          describe: 'Language of the texts (default: that of the locale)',
        })
        .option('no-questions', { type: 'boolean', describe: 'Run through, without waiting for predictions' })
        .option('output', { alias: 'o', choices: ['text', 'json'], default: 'text', describe: 'Format' })
    },
    async values => {
      const language = lastValue(values['language'])
      const { runLearn } = await import('./learn/run-learn.js')
      setExitCode(
        await runLearn({
          number: values['lesson'],
          language: (language as Language | undefined) ?? languageOfLocale(process.env),
          asks: values['no-questions'] !== true,
          isJson: lastValue(values['output']) === 'json',
        }),
      )
    },
  )
}
