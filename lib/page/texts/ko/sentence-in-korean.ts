import { type Translate, createTranslator } from '../create-translator.js'
import { ANSWER_SENTENCES } from './sentences/answer-sentences.js'
import { NOTE_SENTENCES } from './sentences/note-sentences.js'
import { ruleSentenceInKorean } from './sentences/rule-sentence.js'
import { SERVICE_SENTENCES } from './sentences/service-sentences.js'
import { STEP_SENTENCES } from './sentences/step-sentences.js'

/** The Korean of a sentence of the proxy; undefined: the page shows the English one. */
export const sentenceInKorean: Translate = createTranslator(
  [...STEP_SENTENCES, ...ANSWER_SENTENCES, ...SERVICE_SENTENCES, ...NOTE_SENTENCES],
  [ruleSentenceInKorean],
)
