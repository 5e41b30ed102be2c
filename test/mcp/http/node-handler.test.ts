// The door over real HTTP, by the adapter for node:http.

import { attackSuite } from './attack-suite.ts'

attackSuite('node')
