/** Particles in both forms, as the texts have them: after a final consonant, and after none. */
const PAIRS: ReadonlyMap<string, readonly [after: string, otherwise: string]> = new Map([
  ['이(가)', ['이', '가']],
  ['은(는)', ['은', '는']],
  ['을(를)', ['을', '를']],
  ['(으)로', ['으로', '로']],
])
/** How the digits are read: 영, 일, 이, 삼, 사, 오, 육, 칠, 팔, 구. */
const DIGITS = '영일이삼사오육칠팔구'
const FIRST_SYLLABLE = 0xac00
const SYLLABLES = 11_172
const FINALS = 28
const NO_FINAL = 0
/** After this one, "로" has its short form. */
const FINAL_L = 8

/**
 * Chooses the form of each particle where the word before it shows how it is read: a Korean syllable or a digit, also before a closing quote
 * or bracket. Names in Latin letters are read in different ways, so both forms stay.
 */
export function chooseParticles(text: string): string {
  return text.replace(
    /(.)([\])"]*)(이\(가\)|은\(는\)|을\(를\)|\(으\)로)/g,
    (whole, last: string, closing: string, both: string) => {
      const final = finalOf(last)
      if (final === undefined) return whole
      const [after, otherwise] = PAIRS.get(both)!
      const isOpen = final === NO_FINAL || (both === '(으)로' && final === FINAL_L)
      return `${last}${closing}${isOpen ? otherwise : after}`
    },
  )
}

/** The number of the final consonant of a syllable or digit; undefined: it is neither. */
function finalOf(character: string): number | undefined {
  const syllable = /\d/.test(character) ? DIGITS[Number(character)]! : character
  const index = syllable.charCodeAt(0) - FIRST_SYLLABLE
  return index >= 0 && index < SYLLABLES ? index % FINALS : undefined
}
