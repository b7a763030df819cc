export interface SvgDocument {
  /** The description of the picture for screen readers. */
  readonly title: string
  /** The size of the drawing without margins. */
  readonly width: number
  readonly height: number
  /** CSS rules besides those for text (`text`, `.title`, `.what`). */
  readonly style: string
  /** CSS rules for a dark background only. */
  readonly darkStyle: string
  readonly body: string
}

const MARGIN = 16

/** A picture with text that is readable on a light and on a dark background. */
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

/** Escapes text for SVG. */
export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
