// One small case for each difference between Cardea and SpiceDB that docs/differences.md names, with both answers.

import type { AnyQuestion, Said, SaidItem } from './questions.ts'

export interface KnownDifference {
  /** The heading in docs/differences.md. */
  readonly name: string
  readonly schema: string
  /** In relationship strings. */
  readonly rows: readonly string[]
  readonly question: AnyQuestion
  /** Answers as {@link summary} shows them. */
  readonly cardea: string
  readonly spicedb: string
}

const ann = { type: 'user', id: 'ann', relation: '' }
const document = { type: 'document', id: 'a' }

function check(permission: string, subject = ann, context = {}): AnyQuestion {
  return { kind: 'check', resource: document, permission, subject, context }
}

function resources(permission: string, subject = ann, context = {}): AnyQuestion {
  return { kind: 'lookup-resources', resourceType: 'document', permission, subject, context }
}

function subjects(permission: string, subjectType: string, context = {}): AnyQuestion {
  return {
    kind: 'lookup-subjects',
    resource: document,
    permission,
    subjectType,
    subjectRelation: '',
    context,
  }
}

export const knownDifferences: readonly KnownDifference[] = [
  {
    name: 'Usersets never match wildcards',
    schema: `definition user {}
definition group {
  relation member: user
}
definition document {
  relation viewer: group:*
}`,
    rows: ['document:a#viewer@group:*'],
    question: check('viewer', { type: 'group', id: 'ops', relation: 'member' }),
    cardea: 'no',
    spicedb: 'has',
  },
  {
    name: '`.all` fails for a subject whose type lacks the target',
    schema: `definition user {}
definition team {}
definition group {
  relation member: user
}
definition document {
  relation owner: group | team
  permission view = owner.all(member)
}`,
    rows: ['document:a#owner@group:ops', 'document:a#owner@team:red', 'group:ops#member@user:ann'],
    question: subjects('view', 'user'),
    cardea: '[]',
    spicedb: '[ann: has]',
  },
  {
    name: '`self` is one subject of one type',
    schema: `use self
definition user {}
definition document {
  permission view = self
}`,
    rows: [],
    question: subjects('view', 'user'),
    cardea: '[]',
    spicedb: '[a: has]',
  },
  {
    name: 'Cycles are answered',
    schema: `definition user {}
definition document {
  relation viewer: user | document#viewer
}`,
    rows: ['document:a#viewer@document:b#viewer', 'document:b#viewer@document:a#viewer'],
    question: check('viewer'),
    cardea: 'no',
    spicedb: 'error',
  },
  {
    name: 'A caveated row counts beside usersets of its type',
    schema: `caveat allowed(yes bool) {
  yes
}
definition user {
  relation delegate: user
}
definition document {
  relation viewer: user with allowed | user#delegate
}`,
    rows: ['document:a#viewer@user:ann[allowed]'],
    question: check('viewer', ann, { yes: true }),
    cardea: 'has',
    spicedb: 'no',
  },
  {
    name: 'An expired row is gone, whatever other forms there are',
    schema: `use expiration
definition user {}
definition group {
  relation member: user
}
definition document {
  relation viewer: group#member with expiration | group
}`,
    rows: ['document:a#viewer@group:ops#member[expiration:2020-01-01T00:00:00Z]'],
    question: check('viewer', { type: 'group', id: 'ops', relation: 'member' }),
    cardea: 'no',
    spicedb: 'has',
  },
  {
    name: 'Lookup of resources through `self`',
    schema: `use self
definition user {}
definition document {
  relation viewer: document
  permission view = self & viewer
}`,
    rows: ['document:a#viewer@document:a'],
    question: resources('view', { type: 'document', id: 'a', relation: '' }),
    cardea: '[a: has]',
    spicedb: 'error',
  },
  {
    name: 'Lookup of resources for a userset of their own',
    schema: `caveat allowed(yes bool) {
  yes
}
definition user {}
definition document {
  relation viewer: user:* with allowed
  relation parent: document#viewer with allowed
  permission view = viewer - parent
}`,
    rows: ['document:a#parent@document:a#viewer[allowed]'],
    question: resources('view', { type: 'document', id: 'a', relation: 'viewer' }),
    cardea: '[a: conditional]',
    spicedb: 'error',
  },
  {
    name: 'A lookup lists what a check calls conditional',
    schema: `caveat allowed(yes bool) {
  yes
}
definition user {}
definition document {
  relation viewer: user with allowed
  permission view = viewer - viewer
}`,
    rows: ['document:a#viewer@user:ann[allowed]'],
    question: resources('view'),
    cardea: '[a: conditional]',
    spicedb: '[]',
  },
  {
    name: 'A lookup says yes only where a check says yes',
    schema: `caveat allowed(yes bool) {
  yes
}
definition user {}
definition document {
  relation viewer: user with allowed
  relation banned: user
  relation member: document#viewer
  permission view = member + (viewer - banned)
}`,
    rows: [
      'document:a#viewer@user:ann[allowed:{"yes":true}]',
      'document:a#banned@user:ann',
      'document:b#viewer@user:ann[allowed]',
      'document:a#member@document:b#viewer',
    ],
    question: resources('view'),
    cardea: '[a: conditional, b: conditional]',
    spicedb: '[a: has, b: conditional]',
  },
  {
    name: 'Exclusions survive a conditional wildcard',
    schema: `caveat allowed(yes bool) {
  yes
}
definition user {}
definition document {
  relation parent: user:* with allowed
  relation everyone: user:*
  relation banned: user
  permission view = parent + (everyone - banned)
}`,
    rows: ['document:a#parent@user:*[allowed]', 'document:a#everyone@user:*', 'document:a#banned@user:ann'],
    question: subjects('view', 'user', { yes: false }),
    cardea: '[*: has minus [ann: has]]',
    spicedb: '[*: has]',
  },
  {
    name: 'A wildcard takes a conditional wildcard away',
    schema: `caveat allowed(yes bool) {
  yes
}
definition user {}
definition document {
  relation everyone: user:*
  relation blocked: user with allowed
  relation banned: user:* with allowed
  permission access = everyone - blocked
  permission view = banned - access
}`,
    rows: [
      'document:a#everyone@user:*',
      'document:a#blocked@user:ann[allowed]',
      'document:a#banned@user:*[allowed]',
    ],
    question: subjects('view', 'user', { yes: true }),
    cardea: '[ann: has]',
    spicedb: '[*: has, ann: has]',
  },
]

/** `has`, `[a: has, *: conditional minus [b: has]]` or `error`. */
export function summary(said: Said<unknown>): string {
  if (said.error !== undefined) return 'error'
  const { value } = said
  return Array.isArray(value) ? showItems(value) : (value as SaidItem).permissionship
}

function showItems(items: readonly SaidItem[]): string {
  const shown = items.map(({ id, permissionship, excluded = [] }) => {
    const without = excluded.length === 0 ? '' : ` minus ${showItems(excluded)}`
    return `${id}: ${permissionship}${without}`
  })
  return `[${shown.sort().join(', ')}]`
}
