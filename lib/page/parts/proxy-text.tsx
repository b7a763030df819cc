import { type JSX } from 'preact'
import { TEXTS } from '../texts.js'

/** A text that the proxy has answered with: in the language of the page where that knows it, otherwise English. */
export function ProxyText({ children }: { readonly children: string }): JSX.Element {
  const translated = TEXTS.proxySentence(children)
  return translated === undefined ? <span lang="en">{children}</span> : <span>{translated}</span>
}

/** The same where only plain text can be. */
export function proxyPlainText(text: string): string {
  return TEXTS.proxySentence(text) ?? text
}

/** The same as plain text, such as for a filter: in both languages, since readers may look for either. */
export function proxyWords(text: string): string {
  const translated = TEXTS.proxySentence(text)
  return translated === undefined ? text : `${translated} ${text}`
}
