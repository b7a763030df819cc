import { readFileSync } from 'node:fs'

export const DASHBOARD_FILE = 'deploy/grafana/kube-proxy-node.json'

/** Where a panel is, in cells of the page. */
export interface PanelPlace {
  readonly x: number
  readonly y: number
  readonly w: number
  readonly h: number
}

/** One panel of a dashboard, or the head of a row. */
export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: PanelPlace
  readonly datasource?: { readonly type: string; readonly uid: string }
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } }
  readonly targets?: readonly {
    readonly refId: string
    readonly datasource: { readonly type: string; readonly uid: string }
    readonly expr: string
    readonly legendFormat: string
  }[]
}

/** A variable above the panels. */
export interface DashboardVariable {
  readonly name: string
  readonly label: string
  readonly type: string
  readonly query: string
  readonly includeAll?: boolean
  readonly allValue?: string
}

/** A dashboard in Grafana's classic JSON model, as far as the tests look at it. */
export interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly DashboardVariable[] }
}

/** What Grafana puts in the place of variables; every list is set to "All". */
const VALUES: Readonly<Record<string, string>> = {
  job: 'kube-proxy',
  cluster: '.*',
  instance: '.*',
  namespace: '.*',
  service: '.*',
  __rate_interval: '1m',
}

/** The dashboard that is shipped. */
export function readDashboard(): Dashboard {
  return JSON.parse(readFileSync(DASHBOARD_FILE, 'utf8')) as Dashboard
}

/** An expression with values in the place of variables. @throws Error if a variable is unknown */
function fillVariables(expression: string): string {
  return expression.replaceAll(/\$(\w+)/g, (_, name: string) => {
    const value = VALUES[name]
    if (value === undefined) throw new Error(`unknown variable $${name} in ${expression}`)
    return value
  })
}

/** One query of a panel. */
export interface PanelQuery {
  readonly title: string
  readonly expression: string
  /** The dashboard says that it shows something in userspace mode only, where sockets and workers of the proxy carry the traffic. */
  readonly needsSockets: boolean
}

/** How a row, a panel and a legend say that. */
const SOCKET_ROW = /\(userspace mode\)$/
const SOCKET_PANEL = /Userspace mode only\.$/
const SOCKET_LEGEND = /\{\{worker\}\}/

/** The queries of all panels. */
export function panelQueries({ panels }: Dashboard): readonly PanelQuery[] {
  let isSocketRow = false
  return panels.flatMap(({ type, title, description = '', targets = [] }) => {
    if (type === 'row') isSocketRow = SOCKET_ROW.test(title)
    const isSocketPanel = isSocketRow || SOCKET_PANEL.test(description)
    return targets.map(({ expr, legendFormat }) => ({
      title: `${title}: ${legendFormat}`,
      expression: fillVariables(expr),
      needsSockets: isSocketPanel || SOCKET_LEGEND.test(legendFormat),
    }))
  })
}

/** Whether a variable lists what only userspace mode knows: which Services have traffic. */
export function isOfServices({ name }: DashboardVariable): boolean {
  return ['namespace', 'service'].includes(name)
}

/** What a variable lists: the values of a label of the series that a selector selects. */
export function labelValuesQuery({ name, query }: DashboardVariable): {
  readonly label: string
  readonly selector: string
} {
  const [, selector, label] = /^label_values\((.*), (\w+)\)$/.exec(query) ?? []
  if (selector === undefined || label === undefined) throw new Error(`${name}: ${query}`)
  return { label, selector: fillVariables(selector) }
}
