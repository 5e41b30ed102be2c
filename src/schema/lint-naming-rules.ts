// Lint rules about names and about declarations that nothing uses.

import type { LintRule } from './lint-rule.ts'
import { arrowsOf, permissionsOf, relationsOf } from './lint-walk.ts'
import { quoteName } from './problem.ts'
import { didYouMean } from './suggestion.ts'

export const namingRules: readonly LintRule[] = [
  {
    id: 'relation-name-references-parent',
    title: 'a relation or permission repeats the name of its definition',
    why: 'The definition already says what the relation is on: `document#viewer` reads well, `document#viewer_document` says it twice, and the name is written in every relationship and every check.',
    example: `definition user {}

definition document {
	relation viewer_document: user
	permission view = viewer_document
}`,
    better: `definition user {}

definition document {
	relation viewer: user
	permission view = viewer
}`,
    check(context) {
      for (const { definition, definitionName, member, facts } of [
        ...relationsOf(context),
        ...permissionsOf(context),
      ]) {
        const { name } = member.node
        const ownName = definitionName.slice(definitionName.lastIndexOf('/') + 1)
        if (!name.text.endsWith(ownName)) continue
        const message = `The ${member.node.kind} ${quoteName(name.text)} repeats the name of its definition; drop the suffix.`
        context.warn(member, name, message, facts, definition)
      }
    },
  },
  {
    id: 'unused-caveat',
    title: 'a caveat that no relation allows',
    why: 'No relationship can carry it. Either a `with` is missing on a relation, which then grants without the condition, or the caveat is a leftover.',
    example: `caveat in_office(zone string) {
	zone == "office"
}

definition user {}

definition document {
	relation viewer: user
	permission view = viewer
}`,
    better: `caveat in_office(zone string) {
	zone == "office"
}

definition user {}

definition document {
	relation viewer: user with in_office
	permission view = viewer
}`,
    check(context) {
      const used = new Set<string>()
      for (const { node } of relationsOf(context)) {
        for (const type of node.types ?? []) if (type.caveat !== undefined) used.add(type.caveat.text)
      }
      for (const [name, caveat] of context.declarations.caveats) {
        if (used.has(name)) continue
        const message = `No relation allows subjects \`with ${name}\`.`
        context.warn(caveat, caveat.node.name, message, { caveat_name: name })
      }
    },
  },
  {
    id: 'relations-without-permission',
    title: 'a definition that is checked by its relations only',
    why: 'Applications should check permissions: a permission can be redefined later, a relation that callers check by name cannot. Definitions whose relations serve as subjects or arrow targets of others are left alone.',
    example: `definition user {}

definition document {
	relation viewer: user
}`,
    better: `definition user {}

definition document {
	relation viewer: user
	permission view = viewer
}`,
    check(context) {
      const { schema, declarations } = context
      const walked = new Set<string>()
      for (const definition of schema.definitions.values()) {
        for (const relation of definition.relations.values()) {
          for (const type of relation.types) if (type.relation !== '') walked.add(type.type)
        }
      }
      for (const { definitionName, node } of permissionsOf(context)) {
        for (const arrow of arrowsOf(node.expression)) {
          const relation = schema.definitions.get(definitionName)?.relations.get(arrow.relation.text)
          for (const { type } of relation?.types ?? []) walked.add(type)
        }
      }
      for (const [name, declared] of declarations.definitions) {
        const definition = schema.definitions.get(name)
        if (definition === undefined || definition.relations.size === 0 || definition.permissions.size > 0)
          continue
        if (walked.has(name)) continue
        const message = `${quoteName(name)} has relations and no permission; give callers a permission to check.`
        context.warn(declared, declared.node.name, message, { definition_name: name })
      }
    },
  },
  {
    id: 'unknown-annotation-type',
    title: 'a type annotation that names no definition',
    why: 'An annotation may name more types than are reached, so a misspelt one is not an error; it is of no use either.',
    example: `definition user {}

definition document {
	relation viewer: user
	permission view: user | tem = viewer
}`,
    better: `definition user {}

definition document {
	relation viewer: user
	permission view: user = viewer
}`,
    check(context) {
      for (const { definition, member, node, facts } of permissionsOf(context)) {
        for (const type of node.annotation ?? []) {
          if (context.schema.definitions.has(type.text)) continue
          const cure = didYouMean(type.text, context.schema.definitions.keys())
          const message = `The annotation names ${quoteName(type.text)}, and there is no such definition.${cure}`
          context.warn(member, type, message, facts, definition)
        }
      }
    },
  },
]
