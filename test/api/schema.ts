// The schema of the suites that ask every door.

export const schema = `use expiration

caveat on_day(day string, allowed string) {
  day == allowed
}

caveat at_least(level int, needed int) {
  level >= needed
}

definition user {}

/** people who work together */
definition group {
  relation member: user | group#member
}

definition folder {
  relation parent: folder
  relation viewer: user | group#member
  permission view = viewer + parent->view
}

definition document {
  relation parent: folder
  relation viewer: user | user:* | user with on_day | group#member | user with expiration
  relation editor: user with at_least
  relation banned: user
  permission edit = editor
  permission view = (viewer + edit + parent->view) - banned
}`
