import { type JSX } from 'preact'

/** A text that the proxy has answered with: always English, whatever the language of the page is. */
export function ProxyText({ children }: { readonly children: string }): JSX.Element {
  return <span lang="en">{children}</span>
}
