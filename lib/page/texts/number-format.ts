/** Writes numbers as a language does. @param locale such as `en` */
export function numberFormat(locale: string): (value: number) => string {
  const format = new Intl.NumberFormat(locale)
  return value => format.format(value)
}
