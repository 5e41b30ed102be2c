// All HTTP routes of the service.

import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import type { Authorizer } from '../../authorizer/authorizer.ts'
import type { Door } from '../door.ts'
import { allRoutes } from '../methods/routes.ts'
import { type AuthzenOptions, addAuthzen, authzenMetadataPath } from './authzen/authzen-routes.ts'
import { refusal, statusJson, throughDoor } from './http-door.ts'
import { addGateway } from './json-gateway.ts'
import { openApiDocument } from './openapi.ts'

/** Paths that need no key: balancers and tools ask there before they have one. */
export const publicPaths: readonly string[] = ['/healthz', '/readyz', '/openapi.json', authzenMetadataPath]

export interface HttpAppOptions {
  readonly authorizer: Authorizer
  readonly ready: () => boolean
  readonly authzen: AuthzenOptions
  /** Shown in the OpenAPI document. */
  readonly version: string
}

export function httpApp(door: Door, options: HttpAppOptions): Hono<{ Bindings: HttpBindings }> {
  const { authorizer, ready, version } = options
  const app = new Hono<{ Bindings: HttpBindings }>()
  const routes = allRoutes(authorizer)

  app.get('/healthz', (context) => context.json({ status: 'SERVING' }))
  app.get('/readyz', (context) =>
    ready() ? context.json({ status: 'SERVING' }) : context.json({ status: 'NOT_SERVING' }, 503),
  )
  const document = openApiDocument(routes, version)
  app.get('/openapi.json', (context) => context.json(document))
  const metrics = { name: 'Metrics', path: '/metrics', readOnly: true, kind: 'call' } as const
  app.get('/metrics', (context) =>
    throughDoor(door, metrics, context, async () => {
      const { registry } = door.metrics
      return new Response(await registry.metrics(), { headers: { 'content-type': registry.contentType } })
    }),
  )
  addGateway(app, door, routes)
  addAuthzen(app, door, authorizer, options.authzen)

  app.notFound((context) => {
    const known = app.routes.some(({ path }) => path === context.req.path)
    return known
      ? refusal(405, `${context.req.path} does not answer ${context.req.method}.`)
      : refusal(
          404,
          `There is nothing at ${context.req.path.slice(0, 200)}; the paths are listed in /openapi.json.`,
        )
  })
  app.onError((error, context) => {
    const status = door.refuse(error)
    return context.json(statusJson(status) as object, 500)
  })
  return app
}
