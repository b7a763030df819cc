/** The labels of a metric that has a series for each IP family: `IPv4` and `IPv6`. */
export const FAMILY_LABELS = ['ip_family'] as const
