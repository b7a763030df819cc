export interface SvgDocument {
  /** What it shows, for those who cannot see it. */
  readonly title: string
  /** Of what is drawn, without the margin that is put around it. */
  readonly width: number
  readonly height: number
  /** Rules of style beside those for text (`text`, `.title`, `.what`). */
  readonly style: string
  /** The same for dark ground: rules that are in force there only. */
  readonly darkStyle: string
  readonly body: string
}

const MARGIN = 16

/** A picture with text that can be read on light and on dark ground, as the reader's system has it. */
export function renderSvg({ title, width, height, style, darkStyle, body }: SvgDocument): string {
  const all = [width + 2 * MARGIN, height + 2 * MARGIN]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-${MARGIN} -${MARGIN} ${all.join(' ')}" width="${all[0]}" role="img">
<title>${escapeXml(title)}</title>
<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600 } .what { font-size: 11px; fill: #57606a }
${style}
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .what { fill: #8b949e }
${darkStyle}
}
</style>
${body}
</svg>
`
}

/** Text as it may stand in a picture. */
export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
