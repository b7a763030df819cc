/** Sizes in pixels. The widths of characters differ between fonts, so each run of text is stretched to its columns. */
const CHAR_WIDTH = 8.4
const LINE_HEIGHT = 19
const FONT_SIZE = 14
const PADDING = 16
const TITLE_HEIGHT = 36
/** A gap between words that is wider than this ends a run, so that the columns of a table stay aligned. */
const WIDEST_GAP = 1

const BACKGROUND = '#0d1117'
/** Colours that are readable on the dark ground; the names are the codes that select them. */
const COLOURS = {
  31: '#ff7b72',
  32: '#56d364',
  33: '#e3b341',
  34: '#79c0ff',
  35: '#d2a8ff',
  36: '#56d4dd',
  91: '#ffa198',
  92: '#aff5b4',
  93: '#f8e3a1',
  94: '#a5d6ff',
  95: '#f0b6ff',
  96: '#b3f0ff',
}

/**
 * Draws a terminal window in which lines appear one after the other and scroll up. CSS moves it, so a page that shows it as an
 * image plays it. Without animation, or where the reader prefers reduced motion, it shows one chosen moment.
 *
 * @param {object} picture
 * @param {{ char: string, style: string }[][]} picture.lines all lines, first to last
 * @param {number[]} picture.times when each line appears, in seconds from the start
 * @param {number} picture.duration seconds until the animation starts again
 * @param {number} picture.still how many lines have appeared in the chosen moment
 * @param {number} picture.columns width of the terminal
 * @param {number} picture.rows height of the terminal
 * @param {string} picture.title what stands in the title bar
 * @param {string} picture.description the picture in one sentence, for readers who do not see it
 * @returns {string} the SVG document
 */
export function terminalSvg({ lines, times, duration, still, columns, rows, title, description }) {
  const width = Math.round(columns * CHAR_WIDTH + 2 * PADDING)
  const height = TITLE_HEIGHT + rows * LINE_HEIGHT + PADDING
  const coverY = shown => -LINE_HEIGHT * Math.max(0, rows - shown)
  const scrollY = shown => -LINE_HEIGHT * Math.max(0, shown - rows)
  const at = (shown, y) => `${percent(times[shown - 1] ?? 0, duration)}{transform:translateY(${y(shown)}px)}`
  const frames = y => lines.map((_, index) => at(index + 1, y)).join('')

  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${escaped(title)}</title>
<desc>${escaped(description)}</desc>
<style>
text{font:${FONT_SIZE}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace;fill:#d0d7de}
.bold{font-weight:700;fill:#fff}.dim{fill:#8b949e}
${Object.entries(COLOURS)
  .map(([code, colour]) => `.c${code}{fill:${colour}}`)
  .join('')}
@keyframes scroll{0%{transform:none}${frames(scrollY)}}
@keyframes cover{0%{transform:translateY(${coverY(0)}px)}${frames(coverY)}}
.scroll{transform:translateY(${scrollY(still)}px);animation:scroll ${duration}s step-end infinite}
.cover{transform:translateY(${coverY(still)}px);animation:cover ${duration}s step-end infinite}
@media (prefers-reduced-motion:reduce){.scroll,.cover{animation:none}}
</style>
<rect x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="10" fill="${BACKGROUND}" stroke="#6e7681"/>
<g fill="#6e7681"><circle cx="20" cy="18" r="6" fill="#ff5f57"/><circle cx="40" cy="18" r="6" fill="#febc2e"/><circle cx="60" cy="18" r="6" fill="#28c840"/></g>
<text x="${width / 2}" y="23" text-anchor="middle" class="dim">${escaped(title)}</text>
<svg x="${PADDING}" y="${TITLE_HEIGHT}" width="${width - 2 * PADDING}" height="${rows * LINE_HEIGHT}">
<g class="scroll">
${lines.map(drawLine).filter(Boolean).join('\n')}
</g>
<rect class="cover" y="${rows * LINE_HEIGHT}" width="100%" height="100%" fill="${BACKGROUND}"/>
</svg>
</svg>
`
}

function drawLine(line, index) {
  const top = index * LINE_HEIGHT
  return runsOf(line)
    .map(({ column, text, style }) => {
      const x = column === 0 ? '' : ` x="${round(column * CHAR_WIDTH)}"`
      const width = round(text.length * CHAR_WIDTH)
      // A ruler of many dashes is one line: the dashes of some fonts do not touch.
      if (/^─{3,}$/.test(text))
        return `<rect${x} y="${top + LINE_HEIGHT / 2 + 1}" width="${width}" height="1" fill="#484f58"/>`
      const name = style === '' ? '' : ` class="${style}"`
      return `<text${x} y="${top + FONT_SIZE}"${name} textLength="${width}" lengthAdjust="spacingAndGlyphs">${escaped(text)}</text>`
    })
    .join('')
}

/** The runs of a line: neighbours with the same style, without wide gaps. */
function runsOf(line) {
  const runs = []
  let gap = Infinity
  for (const [column, { char, style }] of line.entries()) {
    if (char === ' ') {
      gap++
      continue
    }
    const run = runs.at(-1)
    if (run !== undefined && run.style === style && gap <= WIDEST_GAP) run.text += ' '.repeat(gap) + char
    else runs.push({ column, text: char, style })
    gap = 0
  }
  return runs
}

function percent(seconds, duration) {
  return `${round((100 * seconds) / duration, 3)}%`
}

function round(value, digits = 1) {
  return Number(value.toFixed(digits))
}

function escaped(text) {
  return text.replace(/[&<>"]/g, char => `&#${char.charCodeAt(0)};`)
}
