import { numberFormat } from '../number-format.js'
import { count } from './count.js'

const number = numberFormat('en')

/** Texts of the views of lessons. */
export const LEARN_VIEW = {
  title: 'Lessons',
  about:
    'How Services work, step by step. Each step says what you need to know, asks what you expect, and then runs in the cluster of the demo. The clients wait meanwhile.',
  lesson: (lesson: number, title: string) => `${number(lesson)}. ${title}`,
  length: (steps: number, minutes: number) => `${count(steps, 'step')}, about ${number(minutes)} min`,
  place: (lesson: number, step: number, title: string) => `${number(lesson)}.${number(step)} ${title}`,
  start: 'Start the lesson',
  again: 'Start it again',
  leave: 'Leave the lesson',
  leaving: 'The demo ends the lesson, and makes its cluster what it was before …',
  all: 'All lessons',
  done: 'done',
  unknown: 'There is no such lesson.',
  preparing: 'Before the question',
  next: 'Next step',
  command: (place: string) => `The next command, ${place}:`,
  show: 'Show me',
  output: 'The command and its proof',
  result: 'What happened',
  shown: (was: string) => `The answer: ${was}.`,
  failed: 'This run has not shown what the lesson explains: see the output above.',
  score: (right: number, all: number) => `Right predictions: ${number(right)} of ${number(all)}.`,
  following: (title: string) => `The next lesson: ${title}`,
  last: 'That was the last lesson. The questions and the levers are for you to go on.',
  open: (lesson: number) => `Lesson ${number(lesson)} is open. Until it ends, nothing else runs:`,
  goThere: 'go to the lesson',
  elsewhere: 'This lesson is open in another page, and waits there.',
  endThere: 'End it there',
  notTaken: (reason: string) => `The demo did not take it: ${reason}.`,
}
