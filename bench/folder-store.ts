// A store that holds the data of shared-folders.ts before anybody follows it, as a service finds it that starts.

import type { Relationship } from '../src/model/relationship.ts'
import { memoryStore } from '../src/store/memory/store.ts'
import type { Store } from '../src/store/store.ts'
import { type Data, relationshipBatches, schemaText } from './shared-folders.ts'

/** Writes the schema and imports everything. In memory, unless another store is given. */
export async function folderStore(
  data: Data,
  more: readonly Relationship[] = [],
  store: Store = memoryStore(),
): Promise<Store> {
  const nowMs = Date.now()
  const { head } = await store.writeSchema(schemaText, [], { schemaRevision: 0, nowMs })
  await store.importRows(
    (async function* () {
      yield more
      yield* relationshipBatches(data)
    })(),
    { schemaRevision: head.revision, nowMs },
  )
  return store
}
