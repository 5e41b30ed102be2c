// How this server authenticates itself to an issuer: client_secret_basic.

/** The Authorization value; id and secret are form-encoded first (RFC 6749 section 2.3.1). */
export function clientSecretBasic(clientId: string, clientSecret: string): string {
  const encode = (text: string) => new URLSearchParams({ v: text }).toString().slice(2)
  return `Basic ${Buffer.from(`${encode(clientId)}:${encode(clientSecret)}`).toString('base64')}`
}
