import { type Argv } from 'yargs'
import { languageOfLocale } from '../ask/language-of-locale.js'
import { LANGUAGES, type Language } from '../ask/texts.js'
import { lastValue } from './arguments.js'

const EXAMPLES: readonly (readonly [command: string, meaning: string])[] = [
  ['$0 ask', 'all questions'],
  ['$0 ask 8', 'the answer to question 8, with the experiment that proves it'],
  ['$0 ask keep-alive', 'the question with this word'],
]

/** Adds the command `kube-proxy ask`. It loads the experiments only when the command runs. */
export function addAskCommand(parser: Argv, setExitCode: (code: number) => void): void {
  parser.command(
    'ask [about..]',
    'Answer a question about Services by an experiment in a small cluster on this machine',
    command => {
      for (const [example, meaning] of EXAMPLES) command.example(example, meaning)
      return command
        .positional('about', {
          type: 'string',
          array: true,
          describe: 'Number of a question, or words of it; left out: all questions',
        })
        .option('language', {
          choices: LANGUAGES,
          describe: 'Language of the texts (default: that of the locale)',
        })
        .option('output', { alias: 'o', choices: ['text', 'json'], default: 'text', describe: 'Format' })
    },
    async values => {
      const about = values['about'] ?? []
      const language = lastValue(values['language'])
      const { runAsk } = await import('./ask/run-ask.js')
      setExitCode(
        await runAsk({
          about: about.join(' '),
          language: (language as Language | undefined) ?? languageOfLocale(process.env),
          isJson: lastValue(values['output']) === 'json',
        }),
      )
    },
  )
}
