import { type Translate, createTranslator } from '../create-translator.js'
import { chooseParticles } from './choose-particles.js'
import { ANSWER_SENTENCES } from './sentences/answer-sentences.js'
import { DOCTOR_OBJECT_SENTENCES } from './sentences/doctor-object-sentences.js'
import { DOCTOR_PROGRAM_SENTENCES } from './sentences/doctor-program-sentences.js'
import { DOCTOR_RULE_SENTENCES } from './sentences/doctor-rule-sentences.js'
import { DOCTOR_WAY_SENTENCES } from './sentences/doctor-way-sentences.js'
import { NOTE_SENTENCES } from './sentences/note-sentences.js'
import { PROBLEM_SENTENCES } from './sentences/problem-sentences.js'
import { ruleSentenceInKorean } from './sentences/rule-sentence.js'
import { SERVICE_SENTENCES } from './sentences/service-sentences.js'
import { STEP_SENTENCES } from './sentences/step-sentences.js'

const translate = createTranslator(
  [
    ...[...STEP_SENTENCES, ...ANSWER_SENTENCES, ...PROBLEM_SENTENCES],
    // They have lists with commas, which others would take for two sentences.
    ...[...DOCTOR_OBJECT_SENTENCES, ...DOCTOR_WAY_SENTENCES, ...DOCTOR_RULE_SENTENCES],
    ...[...SERVICE_SENTENCES, ...NOTE_SENTENCES, ...DOCTOR_PROGRAM_SENTENCES],
  ],
  [ruleSentenceInKorean],
)

/** The Korean of a sentence of the proxy; undefined: the page shows the English one. */
export const sentenceInKorean: Translate = english => {
  const korean = translate(english)
  return korean === undefined ? undefined : chooseParticles(korean)
}
