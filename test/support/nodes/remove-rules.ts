/**
 * A line for a shell that removes all rules and chains of both families, also of other programs. Sets can be destroyed afterwards: the
 * kernel destroys none while a rule uses one of them.
 */
export const REMOVE_RULES = ['iptables', 'ip6tables']
  .map(program => `printf '*nat\\nCOMMIT\\n*filter\\nCOMMIT\\n*mangle\\nCOMMIT\\n' | ${program}-restore --wait 5`)
  .join(' && ')
