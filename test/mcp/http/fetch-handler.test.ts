// The door over real HTTP, by the adapter for the web's Request and Response.

import { attackSuite } from './attack-suite.ts'

attackSuite('fetch')
