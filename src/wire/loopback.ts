// Addresses that only this machine can reach: over them, plain text shows a key to nobody else.

/** Whether a host name or address without its port is this machine's own. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}

/** The same for what a gRPC client connects to: `host:port`, with a scheme (`dns:///host`) or without. */
export function isLoopbackTarget(target: string): boolean {
  if (target.startsWith('unix:')) return true
  const addresses = target.replace(/^(dns:(\/\/[^/]*\/)?|ipv[46]:)/, '').split(',')
  return addresses.every((address) => isLoopbackHost(hostOf(address)))
}

function hostOf(address: string): string {
  const bracketed = /^\[([^\]]*)\](:\d+)?$/.exec(address)
  if (bracketed !== null) return bracketed[1]!
  const named = /^([^:]*)(:\d+)?$/.exec(address)
  return named === null ? address : named[1]!
}
