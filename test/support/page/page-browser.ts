import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContextOptions, type Page, chromium } from 'playwright-core'
import { type Test } from 'tap'
import { type NetworkNamespace } from '../../../lib/demo/network-namespace.js'
import { type TeardownScope } from '../nodes/node-network.js'
import { TIMEOUT_FACTOR } from '../nodes/timeout-factor.js'

/** How long a test waits for something on the page: longer than the page waits between two questions. */
const LIMIT_MS = 45_000 * TIMEOUT_FACTOR
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Why no browser can be opened here, or false. */
export const browserUnavailable = hasChromium() ? false : 'needs chromium, which npm test installs on Debian'

function hasChromium(): boolean {
  try {
    execFileSync('chromium', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** What is wrong with a page for people who cannot see, or use no mouse. */
interface Violation {
  readonly id: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
}

/** A real browser, in the namespace of a node or in that of this machine. It ends with the test. */
export class PageBrowser {
  readonly #browser: Browser

  /** @param namespace undefined: that of the test @param args of Chromium */
  static async launch(
    t: TeardownScope,
    namespace: NetworkNamespace | undefined,
    args: readonly string[] = [],
  ): Promise<PageBrowser> {
    const folder = mkdtempSync(join(tmpdir(), 'browser-'))
    t.teardown(() => rmSync(folder, { recursive: true, force: true }))
    const program = join(folder, 'chromium')
    const enter = namespace === undefined ? '' : `nsenter --net=/run/netns/${namespace.name} `
    writeFileSync(program, `#!/bin/sh\nexec ${enter}chromium "$@"\n`, { mode: 0o755 })
    // Root, which namespaces need, cannot have the sandbox.
    const browser = await chromium.launch({ executablePath: program, chromiumSandbox: false, args: [...args] })
    t.teardown(() => browser.close())
    return new PageBrowser(browser)
  }

  private constructor(browser: Browser) {
    this.#browser = browser
  }

  /** Opens a page that knows nothing of the others. */
  async open(url: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
    const context = await this.#browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
    const page = await context.newPage()
    page.setDefaultTimeout(LIMIT_MS)
    const opened = new OpenPage(page)
    await page.goto(url)
    return opened
  }
}

/** A page in a browser. */
export class OpenPage {
  readonly page: Page
  /** What went wrong in the browser, such as an error of a script, or something that the policy of the page blocks. */
  readonly mistakes: string[] = []
  /** The hosts that the page has asked. */
  readonly hosts = new Set<string>()

  constructor(page: Page) {
    this.page = page
    page.on('console', message => {
      if (message.type() === 'error' || message.type() === 'warning') this.mistakes.push(message.text())
    })
    page.on('pageerror', error => this.mistakes.push(String(error)))
    page.on('request', request => this.hosts.add(new URL(request.url()).host))
  }

  /** Nothing went wrong in the browser, and it has asked one proxy only. @param expected mistakes that are none */
  checkTidy(t: Test, address: string, expected?: RegExp): void {
    t.strictSame(
      this.mistakes.filter(text => expected?.test(text) !== true),
      [],
    )
    t.strictSame([...this.hosts], [address])
  }

  /** Follows the link of a section by the keyboard. */
  async goTo(section: string): Promise<void> {
    await this.page.getByRole('navigation').getByRole('link', { name: section, exact: true }).press('Enter')
    await this.page.getByRole('heading', { name: section, level: 2 }).waitFor()
  }

  /** Resolves when a row has all these texts. */
  async untilRow(...texts: readonly (string | RegExp)[]): Promise<void> {
    let row = this.page.getByRole('row')
    for (const hasText of texts) row = row.filter({ hasText })
    await row.first().waitFor()
  }

  /** Hides the page, as when another tab is in front of it, or shows it again. */
  async setHidden(isHidden: boolean): Promise<void> {
    await this.page.evaluate(
      `Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true });` +
        `document.dispatchEvent(new Event('visibilitychange'))`,
    )
  }

  /** What axe finds wrong, as texts. */
  async violations(): Promise<readonly string[]> {
    // Scripts of the page must come from its server; those of the test come another way.
    await this.page.evaluate(`${AXE}; undefined`)
    const found = await this.page.evaluate<readonly Violation[]>('axe.run().then(({ violations }) => violations)')
    return found.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('; ')}`,
    )
  }
}
