// A system under test: it takes a case and answers questions about it.

import type { Case } from './generate.ts'
import type {
  CheckQuestion,
  ExpandQuestion,
  ResourcesQuestion,
  Said,
  SaidAnswer,
  SaidItem,
  SaidTree,
  SubjectsQuestion,
} from './questions.ts'

export interface System {
  readonly name: string
  /** Replaces everything it holds by the case. */
  load(each: Case): Promise<void>
  check(question: CheckQuestion): Promise<Said<SaidAnswer>>
  /** In the order of the questions. */
  checkBulk(questions: readonly CheckQuestion[]): Promise<readonly Said<SaidAnswer>[]>
  lookupResources(question: ResourcesQuestion): Promise<Said<readonly SaidItem[]>>
  lookupSubjects(question: SubjectsQuestion): Promise<Said<readonly SaidItem[]>>
  expand(question: ExpandQuestion): Promise<Said<SaidTree>>
  close(): Promise<void>
}
