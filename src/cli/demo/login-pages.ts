// The login and consent pages of the demo's authorization server: two small forms, no scripts.

/** What a page is about. Every value is escaped where it is used. */
export interface ConsentFacts {
  readonly client: string
  /** Host that the browser goes back to; the one thing a person can judge. */
  readonly redirectHost: string
  readonly resource: string
  readonly scopes: readonly string[]
  readonly user: string
}

const style = `
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: Canvas; color: CanvasText }
  main { width: min(22rem, 90vw); padding: 2rem; border: 1px solid color-mix(in srgb, CanvasText 18%, transparent); border-radius: 12px }
  h1 { margin: 0 0 .25rem; font-size: 1.25rem } p { margin: .25rem 0 1rem; opacity: .75 }
  label { display: block; margin-top: .75rem; font-size: .875rem }
  input { box-sizing: border-box; width: 100%; padding: .5rem .75rem; font: inherit; border: 1px solid GrayText; border-radius: 8px }
  button { width: 100%; margin-top: 1.25rem; padding: .6rem; font: inherit; font-weight: 600; border: 0; border-radius: 8px; background: #2f5bea; color: #fff; cursor: pointer }
  button.quiet { margin-top: .5rem; background: none; color: inherit; border: 1px solid GrayText }
  dl { display: grid; grid-template-columns: auto 1fr; gap: .25rem .75rem; margin: 1rem 0; font-size: .9rem }
  dt { opacity: .65 } dd { margin: 0; overflow-wrap: anywhere } code { font-size: .9em } .problem { color: light-dark(#b3261e, #ff8a80); opacity: 1 }
`

/** Asks for name and password; `problem` is shown when the last try failed. */
export function loginPage(action: string, problem?: string): string {
  return page(
    'Sign in',
    `<h1>Sign in</h1>
<p>This is the demo's own authorization server. The people are <code>alice</code> and <code>bob</code>; the password is <code>demo</code>.</p>
${problem === undefined ? '' : `<p class="problem" role="alert">${escapeHtml(problem)}</p>`}
<form method="post" action="${escapeHtml(action)}">
  <label>Name<input name="login" autocomplete="username" required autofocus></label>
  <label>Password<input name="password" type="password" autocomplete="current-password" required></label>
  <button name="step" value="login">Sign in</button>
</form>`,
  )
}

/** Asks whether a client may have a token for a resource. */
export function consentPage(action: string, facts: ConsentFacts): string {
  const rows = [
    ['Client', facts.client],
    ['Returns to', facts.redirectHost],
    ['Server', facts.resource],
    ['Scopes', facts.scopes.join(' ') || 'none'],
    ['As', facts.user],
  ]
  return page(
    'Allow access',
    `<h1>Allow access?</h1>
<p>What the token then reaches is decided per resource, by relationships.</p>
<dl>${rows.map(([name, value]) => `<dt>${name}</dt><dd>${escapeHtml(value!)}</dd>`).join('')}</dl>
<form method="post" action="${escapeHtml(action)}">
  <button name="step" value="allow">Allow</button>
  <button name="step" value="deny" class="quiet">Deny</button>
</form>`,
  )
}

/** Says that a request could not go on. */
export function errorPage(title: string, detail: string): string {
  return page(title, `<h1>${escapeHtml(title)}</h1><p>${escapeHtml(detail)}</p>`)
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)} · Cardea demo</title><style>${style}</style></head>
<body><main>${body}</main></body></html>`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
