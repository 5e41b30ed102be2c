// What the run and its workers tell each other.

export interface Start {
  readonly kind: 'start'
  readonly answersFolder: string
  /** Below `src/`; what runs while they are loaded is told apart. */
  readonly faultyFiles: readonly string[]
  /** A fault that is active from the first import on; '' for none. */
  readonly planted: string
}

export type Request =
  /** Runs each unit without a fault; `verify`: its answers are held against the reference evaluator too. */
  | { readonly kind: 'cover'; readonly verify: boolean }
  /** Runs these units in order until one fails. */
  | {
      readonly kind: 'judge'
      readonly fault: string
      readonly units: readonly string[]
      readonly maxHits: number
    }

export interface Coverage {
  readonly kind: 'covered'
  /** Faults met while files are loaded. */
  readonly whileLoading: readonly string[]
  /** Faults met while tests are collected, which leaves something behind that no unit makes again. */
  readonly whileCollecting: readonly string[]
  readonly units: readonly {
    readonly name: string
    /** Of processor time. */
    readonly ms: number
    readonly faults: readonly string[]
    /** Why the unit cannot be used: it fails without any fault. */
    readonly complaint?: string
  }[]
}

export interface Verdict {
  readonly kind: 'judged'
  readonly fault: string
  /** The unit that noticed, and how; nothing when none did. */
  readonly by?: string
  readonly complaint?: string
  /** The unit fails without the fault as well: this fault, or one before it, has left something behind in the process. */
  readonly spoilt?: true
}

export type Report =
  | Coverage
  | Verdict
  | { readonly kind: 'started' }
  /** Sent before each unit of a judgement. */
  | { readonly kind: 'trying'; readonly unit: string }
  | { readonly kind: 'broken'; readonly complaint: string }
