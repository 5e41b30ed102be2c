// JSONPath as policies use it: plain queries are walked here, and give what the query engine gives, place by place.

import { jsonpath } from 'json-p3'
import { expect, test } from 'vitest'
import { compileJsonPath, type JsonPath } from '../../../src/mcp/policy/json-path.ts'
import type { JsonValue } from '../../../src/model/context.ts'

const documents = [
  '{"results":[{"id":"a","tags":["x","y"]},{"id":"b"},[],"text",null,7],"total":3}',
  '{"results":{"first":{"id":"a"},"second":{"id":"b"}},"__proto__":{"id":"c"},"a b":[[1,2],[3]]}',
  '[{"id":1},{"id":2,"results":[1]}]',
  '{"results":[],"length":0}',
  '"text"',
  'null',
  '7',
].map((text) => JSON.parse(text) as JsonValue)

const queries = [
  '$',
  '$.results',
  '$.results[*]',
  '$.results[*].id',
  '$.results.*.tags[*]',
  '$[*]',
  '$.*',
  '$[*][*]',
  "$['a b'][*][*]",
  "$['__proto__'].id",
  '$.constructor',
  '$.results.length',
  '$.length',
  '$.results[0].id',
  '$.results[-1]',
  '$.results[?@.id].id',
  '$..id',
  "$.results[*]['id','tags']",
]

test.each(queries)('%s', (text) => {
  const path = compileJsonPath(text) as JsonPath
  for (const document of documents) {
    const places = path.select(document).map(({ location, value }) => ({ location, value }))
    const { nodes } = jsonpath.query(text, document as never)
    expect(places).toEqual(nodes.map(({ location, value }) => ({ location, value })))
  }
})

test('a list of very many things is walked like any other', () => {
  const many = { results: Array.from({ length: 300_000 }, (_, id) => ({ id })) }
  const path = compileJsonPath('$.results[*]') as JsonPath
  expect(path.select(many)).toHaveLength(300_000)
})

test('places side by side share their container', () => {
  const places = (compileJsonPath('$.results[*]') as JsonPath).select(documents[0]!)
  expect(new Set(places.map(({ container }) => container)).size).toBe(1)
})
