/** Characters that take two columns: Hangul, kana, Chinese characters and their punctuation. */
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/g

/** How many columns of a terminal a text takes. */
export function textWidth(text: string): number {
  return text.length + (text.match(WIDE)?.length ?? 0)
}
