// The demo's world: a folder of Markdown files and the relationships that say who may see them.

import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A document as the demo writes it to disk. */
export interface DemoDocument {
  readonly id: string
  readonly folder: string
  readonly title: string
  readonly owner: string
  readonly text: string
}

interface DemoFolder {
  readonly parent?: string
  readonly grants: readonly string[]
  /** Title, owner and first sentence of each document. */
  readonly documents: readonly (readonly [title: string, owner: string, sentence: string])[]
}

const folders: Readonly<Record<string, DemoFolder>> = {
  company: {
    grants: ['viewer@user:*'],
    documents: [
      ['Travel policy', 'grace', 'Book trains below four hours, and plan flights two weeks ahead.'],
      ['Holiday calendar', 'grace', 'The plan for public holidays at every site.'],
      ['Code of conduct', 'grace', 'How we treat each other and our customers.'],
      ['Office map', 'ivan', 'Where to find rooms, printers and the fire exits.'],
    ],
  },
  engineering: {
    grants: ['viewer@group:engineering#member', 'editor@group:platform#member', 'owner@user:carol'],
    documents: [
      ['Platform roadmap', 'carol', 'The plan for the next four quarters of the platform.'],
      ['Incident handbook', 'dave', 'What to do in the first ten minutes of an incident.'],
      ['Service catalogue', 'dave', 'Every service, its owner and its level of support.'],
      ['Hiring bar', 'carol', 'What we look for in an engineer.'],
    ],
  },
  'engineering/design': {
    parent: 'engineering',
    grants: [],
    documents: [
      ['Search design', 'alice', 'A plan for search that never shows what its reader may not see.'],
      ['Storage design', 'dave', 'An ordered log, and a graph that follows it.'],
      ['Billing design', 'erin', 'How usage becomes an invoice; the plan to retire the old meter.'],
      ['Mobile design', 'frank', 'Offline first, with a sync plan per device.'],
    ],
  },
  'engineering/design/drafts': {
    parent: 'engineering/design',
    grants: [],
    documents: [
      ['Draft of the agent gateway', 'alice', 'A rough plan: check every resource that a tool call returns.'],
      ['Draft of the rate limiter', 'dave', 'Budget per key, with a retry hint.'],
      ['Draft of the cache', 'alice', 'Never keep what was cut short.'],
    ],
  },
  sales: {
    grants: ['viewer@group:sales#member', 'editor@role:sales-lead#assignee', 'owner@user:heidi'],
    documents: [
      ['Pipeline', 'heidi', 'Open deals by stage, and the plan to close them.'],
      ['Price list', 'heidi', 'Prices from January, by region.'],
      ['Competitor notes', 'bob', 'What others promise, and what they deliver.'],
      ['Partner programme', 'bob', 'A plan for partners who sell with us.'],
    ],
  },
  'sales/emea': {
    parent: 'sales',
    grants: [],
    documents: [
      ['Account plan Northwind', 'bob', 'Renewal in March; the plan is to add two teams.'],
      ['Account plan Contoso', 'bob', 'New champion since the summer.'],
      ['Territory map', 'heidi', 'Who covers which country.'],
    ],
  },
  finance: {
    grants: ['viewer@group:finance#member', 'owner@user:judy'],
    documents: [
      ['Budget', 'judy', 'The plan for spending, by team and quarter.'],
      ['Audit report', 'judy', 'Findings of the auditors, and who answers them.'],
      ['Payroll run', 'judy', 'Salaries of the month. Handle with care.'],
      ['Acquisition plan', 'judy', 'The plan nobody outside finance may know about.'],
    ],
  },
  people: {
    grants: ['viewer@group:people#member', 'owner@role:records-officer#assignee'],
    documents: [
      ['Salary bands', 'grace', 'Bands and levels for every job.'],
      ['Performance plan', 'grace', 'Confidential plan for one employee.'],
      ['Exit interviews', 'grace', 'Why people leave.'],
      ['Reorganisation plan', 'grace', 'The plan for the new structure, before it is announced.'],
    ],
  },
  board: {
    grants: ['viewer@role:director#assignee'],
    documents: [
      ['Board minutes', 'judy', 'Decisions of the last meeting.'],
      ['Strategy', 'judy', 'The plan for the next three years.'],
    ],
  },
}

const groups: Readonly<Record<string, readonly string[]>> = {
  engineering: ['group:platform#member', 'group:product#member'],
  platform: ['user:alice', 'user:carol', 'user:dave'],
  product: ['user:erin', 'user:frank'],
  sales: ['group:emea#member', 'group:americas#member'],
  emea: ['user:bob', 'user:heidi'],
  americas: ['user:mallory'],
  finance: ['user:judy'],
  people: ['user:grace'],
}

const roles: Readonly<Record<string, readonly string[]>> = {
  'sales-lead': ['user:heidi', 'user:bob'],
  'records-officer': ['user:grace'],
  director: ['user:judy', 'user:carol'],
}

/** Grants on single documents, across the folders. */
const single = [
  'document:price-list#viewer@group:platform#member',
  'document:platform-roadmap#viewer@role:sales-lead#assignee',
  'document:billing-design#viewer@user:judy',
  'document:competitor-notes#banned@user:mallory',
  'document:hiring-bar#banned@user:alice',
  'document:budget#viewer@role:director#assignee',
]

function idOf(title: string): string {
  return title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
}

/** Every document of the demo. */
export function demoDocuments(): DemoDocument[] {
  return Object.entries(folders).flatMap(([folder, { documents }]) =>
    documents.map(([title, owner, sentence]) => ({
      id: idOf(title),
      folder,
      title,
      owner,
      text: `# ${title}\n\n${sentence}\n\nOwner: ${owner}. Folder: ${folder}.\n`,
    })),
  )
}

/** Relationship strings of the demo: groups in groups, roles, folders in folders, owners, grants; and many colleagues. */
export function demoRelationships(): string[] {
  const rows = [...single]
  for (const [group, members] of Object.entries(groups)) {
    rows.push(...members.map((member) => `group:${group}#member@${member}`))
  }
  for (const [role, assignees] of Object.entries(roles)) {
    rows.push(...assignees.map((assignee) => `role:${role}#assignee@${assignee}`))
  }
  for (const [folder, { parent, grants }] of Object.entries(folders)) {
    if (parent !== undefined) rows.push(`folder:${folder}#parent@folder:${parent}`)
    rows.push(...grants.map((grant) => `folder:${folder}#${grant}`))
  }
  for (const { id, folder, owner } of demoDocuments()) {
    rows.push(`document:${id}#parent@folder:${folder}`, `document:${id}#owner@user:${owner}`)
  }
  const teams = ['platform', 'product', 'emea', 'americas', 'finance', 'people']
  for (let at = 0; at < 180; at += 1)
    rows.push(`group:${teams[at % teams.length]}#member@user:colleague-${at + 1}`)
  return rows
}

/** Writes the documents as Markdown files, folder by folder. */
export function writeDemoFiles(root: string): void {
  for (const { id, folder, text } of demoDocuments()) {
    const path = join(root, folder, `${id}.md`)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
}
