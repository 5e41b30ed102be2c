// The door for MCP servers: guard, policy, tokens, HTTP side and audit log.

export type { AuditDecision, AuditEvent, AuditPrincipal, AuditSink } from './audit/audit.ts'
export { generateCheckpointKey } from './audit/checkpoint.ts'
export { type AuditLog, type AuditLogOptions, createAuditLog } from './audit/create-audit-log.ts'
export { createGuard, type Guard, type GuardOptions, type HandlerExtra } from './mcp/guard/create-guard.ts'
export { createHttpGuard, type HttpGuard, type HttpGuardOptions } from './mcp/http/http-guard.ts'
export { loadPolicy } from './mcp/policy/load-policy.ts'
export type { Policy } from './mcp/policy/policy.ts'
export type { Principal } from './mcp/principal.ts'
export {
  createTokenExchange,
  type ExchangedToken,
  type ExchangeTarget,
  type TokenExchange,
  type TokenExchangeOptions,
} from './mcp/tokens/token-exchange.ts'
export {
  createTokenVerifier,
  type TokenVerifier,
  type TokenVerifierOptions,
} from './mcp/tokens/token-verifier.ts'
export { decodeId, encodeId } from './model/encode-id.ts'
