// The memory store runs the conformance suite.

import { memoryStore } from '../../src/store/memory/store.ts'
import { storeConformance } from './conformance.ts'

storeConformance({
  name: 'memory',
  open: async (options) => memoryStore(options),
  skip: {
    'sees the writes of another handle, in order with its own': 'a memory datastore has one handle only',
    'another handle sees counters at once, and they outlive the one who registered':
      'a memory datastore has one handle only',
  },
})
