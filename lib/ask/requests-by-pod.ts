import { type Lab, type Place, type Ran } from './lab.js'
import { PATIENCE } from './patience.js'

/** Requests, and how many of them each Pod has answered. */
export interface CountedRequests {
  readonly ran: Ran
  /** By the name of the Pod. */
  readonly counts: ReadonlyMap<string, number>
}

/** How requests differ from those of most experiments. */
export interface RequestOptions {
  readonly from?: Place
  /** Left out: the Service's ClusterIP and port. */
  readonly url?: string
  /** One connection for all of them; else each has its own. */
  readonly keepAlive?: boolean
}

/** Counts, after a line of a shell that prints answers, those of each Pod. */
const BY_POD = "| cut -d' ' -f4 | sort | uniq -c"

/** The line of a shell that sends requests one after the other, and counts the answers of each Pod. */
export function requestsLine(requests: number, url: string, keepAlive = false): string {
  const header = keepAlive ? '' : " -H 'Connection: close'"
  return `curl -s ${PATIENCE.answer.join(' ')}${header} '${url}/?[1-${requests}]' ${BY_POD}`
}

/** What that line has counted, by the name of the Pod. */
export function countAnswers(output: string): ReadonlyMap<string, number> {
  return new Map([...output.matchAll(/^\s*(\d+) (\S+)$/gm)].map(([, count, pod]) => [pod!, Number(count)]))
}

/** Sends requests one after the other, and counts the answers of each Pod. */
export async function requestsByPod(
  lab: Lab,
  requests: number,
  { from = 'client', url = `http://${lab.service.clusterIP}`, keepAlive = false }: RequestOptions = {},
): Promise<CountedRequests> {
  return runAndCount(lab, from, requestsLine(requests, url, keepAlive))
}

/** Runs a line of a shell that prints answers, and counts those of each Pod. */
export function answersByPod(lab: Lab, from: Place, line: string): Promise<CountedRequests> {
  return runAndCount(lab, from, `${line} ${BY_POD}`)
}

async function runAndCount(lab: Lab, from: Place, line: string): Promise<CountedRequests> {
  const ran = await lab.shell(from, line)
  return { ran, counts: countAnswers(ran.output) }
}

/** All answers. */
export function sumOf(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0)
}
