/** One visible character and the attributes that a terminal would draw it with. */
const BLANK = { char: ' ', style: '' }

/**
 * Turns the bytes that a program writes to a terminal into the lines that the terminal shows, scrollback included. Knows what
 * the demo and npm use: colours, carriage return, cursor to a column, erase the line, and wrapping at the last column.
 *
 * @param {string} output what the program wrote
 * @param {number} columns width of the terminal
 * @returns {{ char: string, style: string }[][]} lines of cells; a style is a list of class names such as `bold c36`
 */
export function screenLines(output, columns) {
  const lines = [[]]
  const style = { bold: false, dim: false, colour: '' }
  let column = 0

  const newLine = () => {
    lines.push([])
    column = 0
  }
  const put = char => {
    if (column === columns) newLine()
    const line = lines.at(-1)
    while (line.length < column) line.push(BLANK)
    line[column++] = { char, style: styleName(style) }
  }

  for (const [token, , parameters, command] of output.matchAll(/\x1b\[([?<>=]?)([\d;]*)([A-Za-z])|\x1b.|[^]/gu)) {
    if (command === 'm') applyColours(style, parameters)
    else if (command === 'G') column = Math.min(columns, Number(parameters || 1)) - 1
    else if (command === 'K') eraseLine(lines.at(-1), column, parameters)
    else if (token === '\n') newLine()
    else if (token === '\r') column = 0
    else if (token >= ' ' && !token.startsWith('\x1b')) put(token)
  }
  return lines.map(withoutTrailingSpace)
}

function applyColours(style, parameters) {
  for (const code of (parameters || '0').split(';').map(Number)) {
    if (code === 0) Object.assign(style, { bold: false, dim: false, colour: '' })
    else if (code === 1) style.bold = true
    else if (code === 2) style.dim = true
    else if (code === 22) Object.assign(style, { bold: false, dim: false })
    else if (code === 39) style.colour = ''
    else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) style.colour = `c${code}`
  }
}

function styleName({ bold, dim, colour }) {
  return [bold && 'bold', dim && 'dim', colour].filter(Boolean).join(' ')
}

/** `K`: 0 from the cursor to the end, 1 from the start to the cursor, 2 all. */
function eraseLine(line, column, parameters) {
  if (parameters === '2') line.length = 0
  else if (parameters === '1') line.fill(BLANK, 0, column + 1)
  else line.length = Math.min(line.length, column)
}

function withoutTrailingSpace(line) {
  const last = line.findLastIndex(({ char }) => char !== ' ')
  return line.slice(0, last + 1)
}
