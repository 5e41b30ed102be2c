// The policy as people write it: the typed twin of the YAML and JSON form. One format for hook and gateway.

import type { JsonValue } from '../../model/context.ts'
import type { IssuerConfig } from '../tokens/issuer-config.ts'

/**
 * What one MCP server may take in and give out, and for whom. Closed by default: what no rule names is denied
 * or removed. Check strings are relationship strings without their subject: `document:{value}#view`.
 */
export interface Policy {
  /** Canonical URI of this server; a token's audience must be it. */
  readonly resource?: string
  readonly issuers?: readonly IssuerConfig[]
  /** Whole-call questions, asked once per call, such as `user:{subject.id}#act_as@{agent}`. All must be HAS. */
  readonly also?: readonly string[]
  /**
   * What the `authorization_details` of a token (RFC 9396) mean here, by their `type`. A token that has any is narrowed to what
   * they cover: relationships must grant it as well, and a type that is not named here covers nothing.
   */
  readonly authorization_details?: { readonly [type: string]: DetailsRule }
  /** Absolute folders that `as: path` resolves against; a relative path belongs to the first. Never `/`. */
  readonly root?: string | readonly string[]
  /** `resolved`: the guard sees the same file system and follows links. `trusted`: links are taken as they are. */
  readonly symlinks?: 'resolved' | 'trusted'
  /** Caveat parameters and where their values come from. */
  readonly context?: { readonly [parameter: string]: string | ContextSource }
  /** How old the answers may be, such as `5s`. Unset: fully consistent. */
  readonly max_staleness?: string
  /** Accepts the definition under which a tool is first seen and pins it. */
  readonly trust_on_first_use?: boolean
  /** Relaxes per-resource denials of `effect: read` tools until the date, and nothing else. */
  readonly observe?: { readonly until: string; readonly tools?: readonly string[] }
  readonly tools?: { readonly [name: string]: ToolRule }
  /** Which resources may be listed, read and subscribed to. The first whose `uri` matches decides. */
  readonly resources?: readonly ResourceRule[]
  readonly prompts?: { readonly [name: string]: PromptRule }
  /** Which completions may be asked for. */
  readonly completions?: readonly CompletionRule[]
  /** Passes the server's `instructions` on. Default false. */
  readonly instructions?: boolean
  /** Log notifications that belong to no call may say anything about anybody. Default drop. */
  readonly logging?: 'drop' | 'pass'
}

export interface DetailsRule {
  /** JSONPath into one detail; each thing it selects is `value`. */
  readonly each?: string
  /** Objects, `document:{value}` or `document:{detail.identifier}`; a type alone covers all of its objects. */
  readonly covers: readonly string[]
  /** Permissions that each entry of the detail's `actions` stands for. */
  readonly actions: { readonly [action: string]: readonly string[] }
}

/** A source of caveat context. `args.*` and `item.*` are in other hands and need `untrusted: true`. */
export interface ContextSource {
  /** `request.ip`, `claims.tenant`, `clock`, `args.amount`, `item.owner`. */
  readonly from: string
  readonly untrusted?: true
}

export interface ToolRule {
  /** Default write. Annotations of the server are never believed. */
  readonly effect?: 'read' | 'write'
  /** OAuth scopes without which the call is refused before anything else. */
  readonly scopes?: readonly string[]
  /** Said out loud: nobody's relationships are asked. */
  readonly public?: true
  /** SHA-256 of the approved definition, in hex. */
  readonly definition?: string
  /** Whole-call questions of this tool, besides the policy's. */
  readonly also?: readonly string[]
  /** Arguments that name no resource: names, or JSONPaths that begin with `$`. */
  readonly unchecked?: readonly string[]
  readonly arguments?: readonly ArgumentRule[]
  readonly result: 'whole' | FixedResult | readonly ResultRule[]
  /** `content[]` is rebuilt from the filtered structure. */
  readonly text?: 'mirror'
  /** Relationships to write once the tool has succeeded. */
  readonly after?: readonly AfterRule[]
  /** Values the guard puts into the arguments, at a path: `lookup("document", "view")`. */
  readonly inject?: { readonly [path: string]: string }
  /** The call may be made again without harm. */
  readonly repeatable?: true
  /** Fetches further pages when filtering thins one. Needs `effect: read` and `repeatable: true`. */
  readonly refill?: RefillRule
  /** What this tool may ask of the client while it runs. */
  readonly asks?: readonly ('sampling' | 'elicitation' | 'roots')[]
  /** `message`: progress texts hold nothing that would have to be checked. Default: numbers only. */
  readonly progress?: 'numbers' | 'message'
  /** `pass`: log notifications of this tool hold nothing that would have to be checked. Default drop. */
  readonly logs?: 'drop' | 'pass'
  /** May run as a task; its result is filtered when it is fetched, by the relationships of that moment. */
  readonly tasks?: true
}

export interface FixedResult {
  /** Sent instead of the server's result: a text, or the structured content of a tool that has an output schema. */
  readonly fixed: JsonValue
  /** The text that goes with structured content. Default: its JSON. */
  readonly text?: string
}

/** `denied: drop` leaves the thing out; a redacted item shows `keep` and null for each of `redact`. */
export type Denied =
  | 'drop'
  | 'fail'
  | { readonly redact: readonly string[]; readonly keep: readonly string[] }

/** What a named resource must grant. Either `all`, or `cases`. */
export interface Demand {
  /** Names for later use: templates whose variables are encoded as in ids. */
  readonly let?: { readonly [name: string]: string }
  /** Regular expression on the whole value, or per JSONPath below it; its named groups become `match.*`. */
  readonly match?: string | { readonly [path: string]: string }
  /** Each must be HAS. */
  readonly all?: readonly string[]
  /** The first whose `when` selects something wins; none: denied. */
  readonly cases?: readonly Case[]
}

export interface Case {
  /** JSONPath below the value, or a variable such as `match.folder`; the case applies if there is something. */
  readonly when?: string
  readonly let?: { readonly [name: string]: string }
  readonly match?: string | { readonly [path: string]: string }
  readonly all: readonly string[]
}

export interface ArgumentRule extends Demand {
  /** JSONPath into the arguments. Selecting nothing denies the call unless `optional`. */
  readonly at: string
  readonly as?: 'path' | 'uri'
  readonly optional?: true
  /** Default fail: the call is denied. `drop`: the value is dropped from the call. */
  readonly denied?: 'fail' | 'drop'
}

export type ResultRule = ItemsRule | LinesRule | SetRule | UncheckedRule

export interface ItemsRule extends Demand {
  /** JSONPath to the things that are checked one by one. */
  readonly items: string
  /** `text`: the text blocks hold JSON, and the paths go into that. Default: `structuredContent`. */
  readonly json?: 'text'
  /** Member that holds an item's children, which are items too. */
  readonly children?: string
  /** `let` names of the parent of the outermost items. */
  readonly root?: { readonly [name: string]: string }
  readonly denied?: Denied
  /** Said out loud, where `redact` or `fail` shows that something is there. */
  readonly discloses?: 'existence'
}

export interface LinesRule extends Demand {
  /** Regular expression that a whole line of a text block must match. */
  readonly lines: string
  /** Default remove. */
  readonly unmatched?: 'remove' | 'fail'
  readonly denied?: 'drop' | 'fail'
  readonly discloses?: 'existence'
}

export interface SetRule {
  /** After filtering: the number of items left, null, or gone. */
  readonly set: { readonly [path: string]: 'count' | 'remove' | null | { readonly count: string } }
  readonly json?: 'text'
}

export interface UncheckedRule {
  /** JSONPaths to fields that name no resource. */
  readonly unchecked: readonly string[]
  readonly json?: 'text'
}

export interface AfterRule {
  /** JSONPath into the server's result (before filtering), or, with `of: arguments`, into the arguments. */
  readonly each: string
  readonly of?: 'result' | 'arguments'
  /** `entity:{item.name}#owner@{subject}`; written only if the object had no relationship before. */
  readonly create?: string
  /** `entity:{item}`; every relationship of the object goes. */
  readonly delete?: string
}

export interface RefillRule {
  /** JSONPath of the argument that takes the cursor. */
  readonly cursor: string
  /** JSONPath of the next cursor in the result. */
  readonly next: string
  /** JSONPath of the array that is refilled. */
  readonly items: string
  /** Wanted number of items. */
  readonly want: number
  /** Most further calls. */
  readonly max_calls: number
}

export interface ResourceRule extends Demand {
  /** URI with variables: `{id}` is one segment, `{+path}` any text. */
  readonly uri: string
  readonly as?: 'path' | 'uri'
  readonly scopes?: readonly string[]
  /** `whole` (default): what is read belongs to the URI. Rules: contents are JSON and are filtered like a result. */
  readonly result?: 'whole' | readonly ResultRule[]
  readonly public?: true
}

export interface PromptRule {
  readonly scopes?: readonly string[]
  readonly public?: true
  readonly also?: readonly string[]
  readonly unchecked?: readonly string[]
  readonly arguments?: readonly ArgumentRule[]
  readonly result: 'whole'
  readonly asks?: readonly ('sampling' | 'elicitation' | 'roots')[]
}

export interface CompletionRule extends Demand {
  /** Name of a prompt, or the URI template of a resource. One of the two. */
  readonly prompt?: string
  readonly resource?: string
  readonly argument: string
  /** Each suggestion is `value`; instead of `all`, said out loud: */
  readonly public?: true
}
