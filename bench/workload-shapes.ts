// The shapes of workloads.ts: schema, rows, questions with the answer the data was made for, and the limit by hand.

import type { JsonObject } from '../src/model/context.ts'
import { generator } from './generator.ts'

export interface Workload {
  readonly name: string
  readonly schema: string
  rows(): Iterable<string>
  readonly questions: readonly {
    readonly resource: string
    readonly permission: string
    readonly subject: string
    readonly context?: JsonObject
    readonly expected: boolean
  }[]
  /** Builds the hand-written traversal. */
  readonly limit?: () => (resource: string, subject: string, context?: JsonObject) => boolean
}

const below = (random: () => number, count: number) => Math.floor(random() * count)

/** A document shared with very many groups; users in three of them or in three others; one user in thousands. */
function wide(groups: number, ofHeavyUser: number): Workload[] {
  const users = 1000
  const random = generator(11)
  const groupsOfUser: number[][] = Array.from({ length: users }, (_, user) =>
    // Groups of odd number do not see the document.
    Array.from({ length: 3 }, () => below(random, groups) * 2 + (user % 2)),
  )
  const heavy = (odd: number) => Array.from({ length: ofHeavyUser }, (_, at) => at * 2 + odd)
  const schema = `definition user {}
definition group {
  relation member: user
}
definition document {
  relation viewer: user | group#member
  permission view = viewer
}`
  function* rows() {
    for (let group = 0; group < groups; group += 1)
      yield `document:everyone#viewer@group:g${group * 2}#member`
    for (const [user, list] of groupsOfUser.entries())
      for (const group of new Set(list)) yield `group:g${group}#member@user:u${user}`
    for (const group of heavy(0)) yield `group:g${group}#member@user:heavy`
    for (const group of heavy(1)) yield `group:g${group}#member@user:stranger`
  }
  // From the user's side: the short way here.
  const limit = () => {
    const viewers = new Set<number>()
    for (let group = 0; group < groups; group += 1) viewers.add(group * 2)
    const memberOf = new Map<string, Int32Array>()
    for (const [user, list] of groupsOfUser.entries()) memberOf.set(`user:u${user}`, Int32Array.from(list))
    memberOf.set('user:heavy', Int32Array.from(heavy(0)))
    memberOf.set('user:stranger', Int32Array.from(heavy(1)))
    return (_: string, subject: string) => {
      for (const group of memberOf.get(subject)!) if (viewers.has(group)) return true
      return false
    }
  }
  const about = (subject: string, expected: boolean) => ({
    resource: 'document:everyone',
    permission: 'view',
    subject,
    expected,
  })
  return [
    {
      name: `wide: ${groups.toLocaleString('en')} groups at a document, a user in 3`,
      schema,
      rows,
      questions: Array.from({ length: 100 }, (_, user) => about(`user:u${user}`, user % 2 === 0)),
      limit,
    },
    {
      name: `wide: the same document, a user in ${ofHeavyUser.toLocaleString('en')} groups`,
      schema,
      rows,
      questions: Array.from({ length: 20 }, (_, at) =>
        at % 2 === 0 ? about('user:heavy', true) : about('user:stranger', false),
      ),
      limit,
    },
  ]
}

/** `(viewer & cleared) - banned`, with the cleared and the banned in groups. */
function intersections(documents: number): Workload {
  const [users, groups] = [2000, 50]
  const clearedOf = (user: number) => user % 3 !== 0
  const bannedOf = (user: number) => user % 5 === 0
  const groupOf = (document: number) => document % groups
  const inGroup = (user: number, group: number) => user % groups === group || (user + 7) % groups === group
  const answer = (document: number, user: number) =>
    inGroup(user, groupOf(document)) && clearedOf(user) && !bannedOf(user)
  const random = generator(12)
  const questions: Workload['questions'][number][] = []
  const left = { true: 2000, false: 2000 }
  while (left.true > 0 || left.false > 0) {
    const [document, user] = [below(random, documents), below(random, users)]
    const expected = answer(document, user)
    if (left[`${expected}`] === 0) continue
    left[`${expected}`] -= 1
    questions.push({
      resource: `document:d${document}`,
      permission: 'view',
      subject: `user:u${user}`,
      expected,
    })
  }
  return {
    name: 'intersection and exclusion: (viewer & cleared) - banned',
    schema: `definition user {}
definition group {
  relation member: user
}
definition document {
  relation viewer: group#member
  relation cleared: group#member
  relation banned: group#member
  permission view = (viewer & cleared) - banned
}`,
    *rows() {
      for (let document = 0; document < documents; document += 1) {
        yield `document:d${document}#viewer@group:g${groupOf(document)}#member`
        yield `document:d${document}#cleared@group:cleared#member`
        yield `document:d${document}#banned@group:banned#member`
      }
      for (let user = 0; user < users; user += 1) {
        for (let group = 0; group < groups; group += 1)
          if (inGroup(user, group)) yield `group:g${group}#member@user:u${user}`
        if (clearedOf(user)) yield `group:cleared#member@user:u${user}`
        if (bannedOf(user)) yield `group:banned#member@user:u${user}`
      }
    },
    questions,
    limit: () => {
      const memberOf = new Map<string, Set<number>>()
      for (let user = 0; user < users; user += 1) {
        const list = [-1, -2].filter((special) => (special === -1 ? clearedOf(user) : bannedOf(user)))
        for (let group = 0; group < groups; group += 1) if (inGroup(user, group)) list.push(group)
        memberOf.set(`user:u${user}`, new Set(list))
      }
      const viewers = new Map(
        Array.from({ length: documents }, (_, at): [string, number] => [`document:d${at}`, groupOf(at)]),
      )
      return (resource, subject) => {
        const member = memberOf.get(subject)!
        return member.has(viewers.get(resource)!) && member.has(-1) && !member.has(-2)
      }
    },
  }
}

/** Each document is shared with users under a condition on the request's hour and the row's own bound. */
function caveats(documents: number): Workload {
  const bound = (document: number) => document % 24
  const random = generator(13)
  return {
    name: 'caveat: hour < until, half by the row and half by the request',
    schema: `caveat office_hours(hour int, until int) {
  hour < until
}
definition user {}
definition document {
  relation viewer: user with office_hours
  permission view = viewer
}`,
    *rows() {
      for (let document = 0; document < documents; document += 1)
        yield `document:d${document}#viewer@user:u${document % 1000}[office_hours:{"until":${bound(document)}}]`
    },
    questions: Array.from({ length: 4000 }, (_, at) => {
      // As often before as after the bound.
      let document = below(random, documents)
      while (bound(document) === 0) document = below(random, documents)
      const expected = at % 2 === 0
      const hour = expected ? bound(document) - 1 : bound(document)
      return {
        resource: `document:d${document}`,
        permission: 'view',
        subject: `user:u${document % 1000}`,
        context: { hour },
        expected,
      }
    }),
    limit: () => {
      const rows = new Map(
        Array.from({ length: documents }, (_, at): [string, { viewer: string; until: number }] => [
          `document:d${at}`,
          { viewer: `user:u${at % 1000}`, until: bound(at) },
        ]),
      )
      return (resource, subject, context) => {
        const row = rows.get(resource)
        return row !== undefined && row.viewer === subject && (context!.hour as number) < row.until
      }
    },
  }
}

/** Organizations with nested teams, repositories with roles by team, issues in repositories. */
function codeHosting(organizations: number): Workload {
  const [repositoriesEach, issuesEach, teamsEach, usersEach] = [20, 50, 8, 100]
  // Team t lies in team t / 2; user u is in team u % 8; repository r: team r % 8 writes, readers are the whole organization
  // for even r. Admins of the organization are its users 0 and 1.
  const within = (inner: number, outer: number): boolean =>
    inner === outer || (inner > 1 && within(inner >> 1, outer))
  const answer = (repository: number, user: number) =>
    user < 2 || within(Math.max(1, user % teamsEach), Math.max(1, repository % teamsEach))
  const random = generator(14)
  const questions: Workload['questions'][number][] = []
  const left = { true: 2000, false: 2000 }
  while (left.true > 0 || left.false > 0) {
    const organization = below(random, organizations)
    const [repository, issue, user] = [
      below(random, repositoriesEach),
      below(random, issuesEach),
      below(random, usersEach),
    ]
    const expected = answer(repository, user)
    if (left[`${expected}`] === 0) continue
    left[`${expected}`] -= 1
    questions.push({
      resource: `issue:o${organization}/r${repository}/i${issue}`,
      permission: 'close',
      subject: `user:o${organization}/u${user}`,
      expected,
    })
  }
  return {
    name: 'code hosting: may a user close an issue of a repository',
    schema: `definition user {}
definition team {
  relation parent: team
  relation direct: user | team#member
  permission member = direct
}
definition organization {
  relation admin: user
  relation member: user | team#member
}
definition repository {
  relation owner: organization
  relation reader: user | team#member | organization#member
  relation writer: user | team#member
  permission admin = owner->admin
  permission write = writer + admin
  permission read = reader + write
}
definition issue {
  relation repository: repository
  relation author: user
  permission close = author + repository->write
  permission read = repository->read
}`,
    *rows() {
      for (let at = 0; at < organizations; at += 1) {
        for (let user = 0; user < usersEach; user += 1) {
          yield `team:o${at}/t${Math.max(1, user % teamsEach)}#direct@user:o${at}/u${user}`
          if (user < 2) yield `organization:o${at}#admin@user:o${at}/u${user}`
        }
        for (let team = 2; team < teamsEach; team += 1)
          yield `team:o${at}/t${team >> 1}#direct@team:o${at}/t${team}#member`
        yield `organization:o${at}#member@team:o${at}/t1#member`
        for (let repository = 0; repository < repositoriesEach; repository += 1) {
          const id = `o${at}/r${repository}`
          yield `repository:${id}#owner@organization:o${at}`
          yield `repository:${id}#writer@team:o${at}/t${Math.max(1, repository % teamsEach)}#member`
          if (repository % 2 === 0) yield `repository:${id}#reader@organization:o${at}#member`
          for (let issue = 0; issue < issuesEach; issue += 1)
            yield `issue:${id}/i${issue}#repository@repository:${id}`
        }
      }
    },
    questions,
  }
}

export function workloads(quick: boolean): Workload[] {
  return [
    ...wide(quick ? 10_000 : 100_000, quick ? 500 : 5000),
    intersections(quick ? 3000 : 30_000),
    caveats(quick ? 10_000 : 100_000),
    codeHosting(quick ? 10 : 800),
  ]
}
