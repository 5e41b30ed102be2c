// Relationships inside an application's own PostgreSQL transaction: the business row and the grant are committed
// together or not at all, and every service on the database hears of the grant from the same log.

import type { JsonObject } from '../../model/context.ts'
import { CardeaError } from '../../model/errors.ts'
import type { Precondition } from '../../model/filter.ts'
import type { RelationshipUpdate } from '../../model/relationship.ts'
import { requireOption } from '../../model/require-option.ts'
import type { Revision } from '../../model/revision.ts'
import { tooManyChanges } from '../refusals.ts'
import type { WriteResult } from '../store.ts'
import type { Refused, Written } from './commit-queue.ts'
import { postgresCode, storeError } from './driver-errors.ts'
import { type PayloadConditions, payloadOf, refusalOf, updateCells } from './payload.ts'

/** What is used of an application's `pg` client. */
export interface TransactionClient {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>
}

export interface InTransactionOptions {
  /** Throws when the updates do not fit the schema (empty text: there is none yet). */
  readonly validate: (schemaText: string, updates: readonly RelationshipUpdate[]) => void
  /** Relationships that one write may change. Default 1,000,000. */
  readonly maxChangesPerTransaction?: number
}

export interface InTransactionWriteOptions {
  /** Judged at commit. */
  readonly preconditions?: readonly Precondition[]
  /** Stored with the revision, shown by Watch. */
  readonly metadata?: JsonObject
  /** When set, the head must still be this revision at commit: for a grant that hangs on a check. */
  readonly baseRevision?: Revision
}

export interface RelationshipsInTransaction {
  /**
   * Writes with the transaction that is open on the client, which must be READ COMMITTED: nothing of it is seen, and
   * nobody waits for it, until COMMIT applies it and gives it its revision. Each write becomes one log entry. COMMIT
   * fails, and the whole transaction with it, where `Store.write` would: {@link refusalOfCommit} reads the reason. It
   * fails with SQLSTATE 40001 (retry the transaction) when the schema changed after `validate`. PREPARE TRANSACTION is
   * refused. Errors: what `validate` throws, INVALID_ARGUMENT, LIMIT_EXCEEDED, UNAVAILABLE, STORE_FAILED.
   */
  write(updates: readonly RelationshipUpdate[], options?: InTransactionWriteOptions): Promise<void>

  /**
   * Applies the writes now and gives the head of the last one, for those who store it or its token beside their rows.
   * From here on every other writer waits: COMMIT must be the next statement. The result holds once that succeeded.
   * Errors: as `Store.write`, after which the transaction can only be rolled back; INVALID_ARGUMENT when nothing was
   * written.
   */
  settle(): Promise<WriteResult>
}

/** Relationships through an application's client, whose search_path must find the datastore's tables. */
export function relationshipsIn(
  client: TransactionClient,
  { validate, maxChangesPerTransaction = 1_000_000 }: InTransactionOptions,
): RelationshipsInTransaction {
  requireOption(
    typeof client?.query === 'function',
    'relationshipsIn',
    'a connected client of pg',
    'write relationshipsIn(client), with the client that has the transaction open',
  )
  const query = async (text: string, values: unknown[] = []) => {
    try {
      return (await client.query(text, values)).rows
    } catch (error) {
      throw refusalOfCommit(error) ?? storeError(error)
    }
  }
  return {
    async write(updates, options = {}) {
      if (updates.length > maxChangesPerTransaction) throw tooManyChanges(maxChangesPerTransaction)
      const work = { updates: updates.map(updateCells) }
      const [schema] = (await query(
        'SELECT revision, text FROM cardea_schema ORDER BY revision DESC LIMIT 1',
      )) as { revision: string | number; text: string }[]
      validate(schema?.text ?? '', updates)
      const conditions: PayloadConditions = { ...options, schemaRevision: Number(schema?.revision ?? 0) }
      await query('INSERT INTO cardea_pending (write) VALUES ($1::jsonb)', [payloadOf(work, conditions)])
    },
    async settle() {
      await query('SET CONSTRAINTS cardea_commit IMMEDIATE')
      const [row] = (await query(`SELECT current_setting('cardea.written', true) AS written`)) as {
        written: string | null
      }[]
      if (!row?.written) {
        throw new CardeaError(
          'INVALID_ARGUMENT',
          'settle needs a write before it, in the same open transaction.',
        )
      }
      return { head: (JSON.parse(row.written) as Written).head }
    },
  }
}

/**
 * The CardeaError of a failed COMMIT: codes and facts as `Store.write` gives them. Undefined when the database failed
 * for a reason that is not Cardea's.
 */
export function refusalOfCommit(thrown: unknown): CardeaError | undefined {
  const { detail } = (thrown ?? {}) as { detail?: unknown }
  const code = postgresCode(thrown)
  if ((code !== 'CD001' && code !== '40001') || typeof detail !== 'string') return undefined
  let refused: Refused
  try {
    refused = JSON.parse(detail)
  } catch {
    return undefined
  }
  const {
    validated = 0,
    base = 0,
    precondition,
  } = refused as {
    validated?: number
    base?: number
    precondition?: Precondition
  }
  return refusalOf(
    precondition === undefined ? refused : { ...refused, at: 0 },
    {
      schemaRevision: validated,
      baseRevision: base,
      ...(precondition === undefined ? {} : { preconditions: [precondition] }),
    },
    { updates: [] },
  )
}
