/** The languages of questions and answers. */
export const LANGUAGES = ['en', 'ko'] as const
/** One of them. */
export type Language = (typeof LANGUAGES)[number]

/** The same text in each language. */
export type Texts = Readonly<Record<Language, string>>

/** What stands for `{name}` in texts. */
export type Values = Readonly<Record<string, number | string>>
