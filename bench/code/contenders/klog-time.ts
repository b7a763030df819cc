/** The time of a klog line in milliseconds since 1970. The line has the time of day; the day is that of `about`. */
export function parseKlogTime(line: string, about: number): number {
  const [, hours, minutes, seconds] = /^.\d{4} (\d\d):(\d\d):(\d\d\.\d+)/.exec(line) ?? []
  if (seconds === undefined) throw new Error(`No time at the beginning of the log line "${line}"`)
  const day = new Date(about)
  const [whole, fraction] = seconds.split('.')
  return day.setHours(Number(hours), Number(minutes), Number(whole), 0) + Number(`0.${fraction}`) * 1000
}
