// IP addresses and networks as caveats compare them.

/** An IPv4 (4 bytes) or IPv6 (16 bytes) address. An IPv4-mapped IPv6 address is read as the IPv4 address. */
export class IpAddress {
  readonly bytes: Uint8Array
  /** Zone of an IPv6 address (`fe80::1%eth0`), else empty. */
  readonly zone: string

  private constructor(bytes: Uint8Array, zone: string) {
    this.bytes = bytes
    this.zone = zone
  }

  /** Undefined when the text is no address. Leading zeros in IPv4 are refused, since some read them as octal. */
  static parse(text: string): IpAddress | undefined {
    if (text.length > 128) return undefined
    const percent = text.indexOf('%')
    const plain = percent < 0 ? text : text.slice(0, percent)
    const zone = percent < 0 ? '' : text.slice(percent + 1)
    if (percent >= 0 && (zone === '' || !plain.includes(':'))) return undefined
    const bytes = plain.includes(':') ? parseIpv6(plain) : parseIpv4(plain)
    if (bytes === undefined) return undefined
    return zone === '' && isMappedIpv4(bytes)
      ? new IpAddress(bytes.slice(12), '')
      : new IpAddress(bytes, zone)
  }

  equals(other: IpAddress): boolean {
    return (
      this.zone === other.zone &&
      this.bytes.length === other.bytes.length &&
      this.bytes.every((byte, at) => byte === other.bytes[at])
    )
  }
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  const bytes = new Uint8Array(4)
  for (let at = 0; at < 4; at++) {
    const part = parts[at]!
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined
    bytes[at] = Number(part)
  }
  return bytes
}

// RFC 4291 section 2.2: eight groups, `::` once for a run of zero groups, perhaps IPv4 at the end.
function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = readGroups(halves[0]!, halves.length === 1)
  const tail = halves.length === 2 ? readGroups(halves[1]!, true) : []
  if (head === undefined || tail === undefined) return undefined
  const given = head.length + tail.length
  if (halves.length === 1 ? given !== 8 : given > 7) return undefined
  const groups = [...head, ...new Array<number>(8 - given).fill(0), ...tail]
  const bytes = new Uint8Array(16)
  groups.forEach((group, at) => {
    bytes[2 * at] = group >> 8
    bytes[2 * at + 1] = group & 0xff
  })
  return bytes
}

function readGroups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [at, part] of parts.entries()) {
    if (mayEndInIpv4 && at === parts.length - 1 && part.includes('.')) {
      const ipv4 = parseIpv4(part)
      if (ipv4 === undefined) return undefined
      groups.push((ipv4[0]! << 8) | ipv4[1]!, (ipv4[2]! << 8) | ipv4[3]!)
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups
}

function isMappedIpv4(bytes: Uint8Array): boolean {
  return (
    bytes.length === 16 &&
    bytes.subarray(0, 10).every((byte) => byte === 0) &&
    bytes[10] === 0xff &&
    bytes[11] === 0xff
  )
}

/**
 * Whether the address lies in the network `10.0.0.0/8`; bits after the prefix are ignored. Undefined when `cidr` is
 * malformed. An address with a zone lies in no network; IPv4 and IPv6 never contain one another.
 */
export function isInNetwork(address: IpAddress, cidr: string): boolean | undefined {
  const match = /^([^/%]+)\/(0|[1-9]\d{0,2})$/.exec(cidr)
  const network = match === null ? undefined : IpAddress.parse(match[1]!)
  if (match === null || network === undefined) return undefined
  let prefixBits = Number(match[2])
  // `::ffff:10.0.0.0/104` names the network that `10.0.0.0/8` names.
  if (match[1]!.includes(':') && network.bytes.length === 4) {
    if (prefixBits > 128) return undefined
    if (prefixBits < 96) return false
    prefixBits -= 96
  }
  if (prefixBits > network.bytes.length * 8) return undefined
  if (address.zone !== '' || address.bytes.length !== network.bytes.length) return false
  for (let bit = 0; bit < prefixBits; bit += 8) {
    const mask = 0xff00 >> Math.min(8, prefixBits - bit)
    const at = bit / 8
    if (((address.bytes[at]! ^ network.bytes[at]!) & mask & 0xff) !== 0) return false
  }
  return true
}
