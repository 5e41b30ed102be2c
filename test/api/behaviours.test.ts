// One suite of behaviours: {in process, gRPC by authzed-node, HTTP, our client} × {memory, SQLite}.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '../../src/client/connect.ts'
import { memoryStore } from '../../src/store/memory/store.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import type { Store } from '../../src/store/store.ts'
import { authorizerByAuthzedNode } from './authorizer-by-authzed-node.ts'
import { authorizerByHttp } from './authorizer-by-http.ts'
import { behaviours, type Gaps, type Opened } from './behaviours.ts'
import { authzedClient, key } from './grpc-harness.ts'
import { openService, type TestService } from './http-harness.ts'

const stores: Record<string, () => Promise<{ store: Store; remove(): void }>> = {
  memory: async () => ({ store: memoryStore(), remove: () => {} }),
  sqlite: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cardea-behaviours-'))
    return {
      store: await openSqliteStore({ path: join(folder, 'cardea.db') }),
      remove: () => rmSync(folder, { recursive: true, force: true }),
    }
  },
}

const doors: Record<
  string,
  { readonly open: (service: TestService) => Opened['authorizer']; readonly gaps?: Gaps }
> = {
  'in process': { open: ({ authorizer }) => authorizer },
  'gRPC by authzed-node': {
    open: ({ grpc }) => authorizerByAuthzedNode(authzedClient(grpc.address)),
    gaps: { explanations: true, requirements: true, plans: true, exportCursors: true },
  },
  HTTP: {
    open: ({ url }) => authorizerByHttp(url, key),
    gaps: { explanations: true, plans: true, exportCursors: true },
  },
  client: {
    open: ({ grpc }) => connect({ address: grpc.address, presharedKey: key }),
    gaps: { exportCursors: true },
  },
}

for (const [storeName, openStore] of Object.entries(stores)) {
  for (const [doorName, door] of Object.entries(doors)) {
    const open = async (): Promise<Opened> => {
      const { store, remove } = await openStore()
      const service = await openService({ store })
      const authorizer = door.open(service)
      return {
        authorizer,
        async close() {
          await authorizer.close()
          await service.close()
          remove()
        },
      }
    }
    behaviours(`${doorName}, ${storeName}`, open, door.gaps)
  }
}
