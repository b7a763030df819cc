import { type DoctorFacts } from '../../../lib/doctor/doctor-facts.js'
import { makeFacts } from './make-facts.js'
import { endpointCases, objectCases } from './object-cases.js'
import { programCases } from './program-cases.js'
import { policyCases, ruleCases } from './rule-cases.js'

/** Facts that make each check say each of its sentences at least once. */
export function doctorCases(): DoctorFacts[] {
  return [...objectCases(), ...endpointCases(), ...policyCases(), ...ruleCases(), ...programCases()].map(facts =>
    makeFacts(facts),
  )
}
