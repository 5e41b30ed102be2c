// Events for audit tests, in the shape that the guard records.

import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AuditDecision, AuditEvent } from '../../src/audit/audit.ts'
import { parseObject, parseSubject } from '../../src/model/relationship-text.ts'

export async function temporaryLog(): Promise<string> {
  return join(await mkdtemp(join(tmpdir(), 'cardea-audit-')), 'audit.jsonl')
}

export function decision(
  resource: string,
  verdict: AuditDecision['verdict'],
  changes: Partial<AuditDecision> = {},
): AuditDecision {
  return {
    verdict,
    at: 'result $.results[0]',
    resource: parseObject(resource),
    permission: 'view',
    subject: parseSubject('user:alice'),
    ...(verdict === 'has' ? { proof: [`${resource}#viewer@user:alice`], absences: [] } : {}),
    ...(verdict === 'no' ? { reason: { kind: 'no_path', at: `${resource}#view`, via: [] } } : {}),
    ...changes,
  }
}

let calls = 0

export function event(changes: Partial<AuditEvent> = {}): AuditEvent {
  calls++
  return {
    phase: 'outcome',
    callId: `call-${calls}`,
    at: '2026-11-21T10:00:00.000Z',
    principal: {
      issuer: 'https://idp.example',
      subject: 'alice',
      subjectRef: parseSubject('user:alice'),
      agentRef: parseSubject('agent:client/app'),
      clientId: 'app',
      actors: [],
    },
    method: 'tools/call',
    tool: 'search_documents',
    effect: 'read',
    outcome: 'filtered',
    argumentsToken: 'token-1',
    resultToken: 'token-2',
    evaluatedAtMs: 1_795_000_000_000,
    decisions: [decision('document:a', 'has'), decision('document:b', 'no')],
    ...changes,
  }
}
