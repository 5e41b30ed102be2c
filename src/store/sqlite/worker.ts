// The worker thread's entry: opens the file and answers what the store asks.

import { parentPort, workerData } from 'node:worker_threads'
import { serveDatastore } from './datastore.ts'
import type { WorkerSettings } from './protocol.ts'

if (parentPort !== null) serveDatastore(workerData as WorkerSettings, parentPort)
