// The layout that `schema fmt` gives, comments included.

import { expect, test } from 'vitest'
import { formatSchema } from '../../src/schema/formatter.ts'

test('an untidy text', () => {
  const { text } = formatSchema(`// license

use  expiration
use partial // why


/** who
  * really */
definition user {} /* x */ definition group { relation member: user /* q */ | user#... ; // tail
  // own
      relation other:user#...|user;
}
/* a */ caveat office( zone string, n map<list<int>> ) {   zone == "utc" &&
      // inner
      3 in n["""
x
  y"""]
      }
partial part { permission zzz = member; }



definition doc {


  relation viewer: user |
    user:*    with office and expiration |group#member
  ...part; relation parent: doc // trail


  permission view = (viewer+parent->view)- nil & // foo
     parent.all( view ) +
       /* bar */ viewer
  // last

}
definition odd { /* nothing */ }
// the end`)
  expect(text).toBe(`// license

use expiration
use partial // why

/** who
 * really */
definition user {}

/* x */
definition group {
	relation member: user /* q */ | user#...; // tail
	// own
	relation other: user#... | user
}

/* a */
caveat office(zone string, n map<list<int>>) {
	zone == "utc" &&
	// inner
	3 in n["""
x
  y"""]
}

partial part {
	permission zzz = member
}

definition doc {
	relation viewer: user |
		user:* with office and expiration | group#member
	...part
	relation parent: doc // trail

	permission view = (viewer + parent->view) - nil & // foo
		parent.all(view) +
		/* bar */ viewer
	// last
}

definition odd {
	/* nothing */
}
// the end
`)
})

test('names need not resolve, but the syntax must be sound', () => {
  expect(formatSchema('definition doc {\nrelation viewer:nobody\n}').text).toBe(
    'definition doc {\n\trelation viewer: nobody\n}\n',
  )
  const refused = formatSchema('definition doc {\nrelation viewer\n}')
  expect(refused.text).toBeUndefined()
  expect(refused.problems.map(({ code }) => code)).toEqual(['relation-without-types'])
})

test('empty texts and comments alone', () => {
  expect(formatSchema('').text).toBe('')
  expect(formatSchema(' \n\n').text).toBe('')
  expect(formatSchema('  // one\n\n\n/* two */').text).toBe('// one\n\n/* two */\n')
})

test('imports stay together, use lines too', () => {
  expect(
    formatSchema('use import\nuse self\nimport "a.zed"\nimport   "b.zed"\ndefinition user {}').text,
  ).toBe('use import\nuse self\n\nimport "a.zed"\nimport "b.zed"\n\ndefinition user {}\n')
})

test('the lines of a caveat keep their own indentation beyond what they share', () => {
  expect(formatSchema('caveat odd(x1 int) {\n        x1 > 3 &&\n          x1 < 5\n    }').text).toBe(
    'caveat odd(x1 int) {\n\tx1 > 3 &&\n\t  x1 < 5\n}\n',
  )
  expect(formatSchema('caveat odd(x1 int) { x1 > 3 &&\n\n          x1 < 5 }').text).toBe(
    'caveat odd(x1 int) {\n\tx1 > 3 &&\n\n\tx1 < 5\n}\n',
  )
})

test('empty statements go, unless a comment hangs on them', () => {
  const format = (members: string) => formatSchema(`definition doc {${members}}`).text
  const one = 'definition doc {\n\trelation viewer: doc\n}\n'
  expect(format('; relation viewer: doc;;\n;')).toBe(one)
  expect(format('relation viewer: doc#...;;')).toBe(one.replace('doc\n}', 'doc#...;\n}'))
  expect(format('relation viewer: doc;; // why\n')).toBe(one.replace('doc\n}', 'doc; // why\n}'))
  expect(format('relation viewer: doc\n// dropped\n;\nrelation owner: doc\n')).toBe(
    'definition doc {\n\trelation viewer: doc\n\t\t// dropped\n\t;\n\trelation owner: doc\n}\n',
  )
})
