import { type Translate, createTranslator } from '../create-translator.js'
import { chooseParticles } from './choose-particles.js'
import { ANSWER_SENTENCES } from './sentences/answer-sentences.js'
import { NOTE_SENTENCES } from './sentences/note-sentences.js'
import { ruleSentenceInKorean } from './sentences/rule-sentence.js'
import { SERVICE_SENTENCES } from './sentences/service-sentences.js'
import { STEP_SENTENCES } from './sentences/step-sentences.js'

const translate = createTranslator(
  [...STEP_SENTENCES, ...ANSWER_SENTENCES, ...SERVICE_SENTENCES, ...NOTE_SENTENCES],
  [ruleSentenceInKorean],
)

/** The Korean of a sentence of the proxy; undefined: the page shows the English one. */
export const sentenceInKorean: Translate = english => {
  const korean = translate(english)
  return korean === undefined ? undefined : chooseParticles(korean)
}
